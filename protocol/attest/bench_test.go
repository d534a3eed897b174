package attest_test

import (
	"fmt"
	"testing"

	"github.com/cocoon-network/cocoon/protocol/attest"
)

// BenchmarkVerify is what evidence costs a client: parsed and verified, and from the cache.
func BenchmarkVerify(b *testing.B) {
	for _, gpus := range []int{0, 8} {
		w := newWorld(b)
		if gpus > 0 {
			w.withGPUs(gpus)
		}
		raw := w.evidence().Bytes()
		b.Run(fmt.Sprintf("%d GPUs", gpus), func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(len(raw)), "bytes/evidence")
			for b.Loop() {
				e, err := attest.Parse(raw)
				if err == nil {
					_, err = w.verify(e)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%d GPUs, cached", gpus), func(b *testing.B) {
			b.ReportAllocs()
			cache := attest.NewCache(1)
			for b.Loop() {
				if _, err := cache.Verify(raw, w.policy, w.worker, w.now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
