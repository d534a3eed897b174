package cli

import "runtime"

// heapFloor is what a service's heap counts for at least, in bytes. One of a few
// MiB would be collected many times a second while requests pass through.
const heapFloor = 64 << 20

// roomy runs a service whose garbage may grow to heapFloor. The floor itself is
// never touched, so that it takes no memory.
func roomy(run func() error) error {
	floor := make([]byte, heapFloor)
	defer runtime.KeepAlive(floor)
	return run()
}
