package worker

import "github.com/cocoon-network/cocoon/protocol/bus"

// Boot is the id of this run, for tests that wait for it.
func (w *Worker) Boot() bus.Boot { return w.boot }
