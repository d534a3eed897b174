package harness

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon/worker/engine"
)

func TestSmoke(t *testing.T) {
	w := newWorld(t, size{Daemons: 2, Dispatchers: 2, Providers: 2, Machines: 2, Concurrency: 8}, func(int) engine.Config { return engine.Config{} }, nil)
	for _, a := range w.apps {
		f, err := a.figures()
		require.NoError(t, err)
		t.Logf("%+v", f)
	}
	for _, a := range w.houses {
		f, err := a.figures()
		require.NoError(t, err)
		t.Logf("%+v", f.Ledger)
	}
}
