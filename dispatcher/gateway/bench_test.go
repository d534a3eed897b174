package gateway

import (
	"fmt"
	"testing"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// BenchmarkGateway carries one answer after the other, of as many frames as may come before
// their attempt is known, for a prompt of 4 KiB and three candidates. The fakes at
// both ends and the bus are in it.
func BenchmarkGateway(b *testing.B) {
	const frames = maxEarly
	said := make([]string, frames)
	for i := range said {
		said[i] = fmt.Sprintf("token %d", i)
	}
	all := func(a *work) {
		a.took()
		for i, text := range said {
			a.frame(text, uint32(i+1), i == frames-1)
		}
		a.bill(stream.Finished, frames)
	}
	cfg := DefaultConfig()
	cfg.Gather = 1
	w := newTown(b, cfg, all, all, all)
	for _, k := range w.workers {
		go func() {
			for range k.acks {
			}
		}()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		w.ask(4096)
		w.next("took")
		w.behindFrames("final")
	}
}
