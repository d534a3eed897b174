package sandboxtests

import (
	"encoding/json"
	"flag"
	"math/big"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// figures is where a scale test leaves what it measured: make bench-scale and
// make bench-crowd print it.
var figures = flag.String("figures", "", "file that the figures of a scale test are written to, as JSON")

func writeFigures(t *testing.T, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	t.Logf("%s", b)
	if *figures != "" {
		require.NoError(t, os.WriteFile(*figures, append(b, '\n'), 0o644))
	}
}

// effort is what one kind of step took in all.
type effort struct {
	Messages     int     `json:"messages"` // that somebody sent from outside our contracts
	Transactions int     `json:"transactions"`
	Gas          int64   `json:"gas"`
	FeesNano     string  `json:"fees_nano"` // of transactions and messages, the first message's way included
	PerLeafNano  string  `json:"per_leaf_nano,omitempty"`
	Seconds      float64 `json:"seconds"`

	fees  big.Int
	began time.Time // earlier where it is one of several
}

func begin() *effort { return &effort{began: time.Now()} }

// add books a message's way and all that it caused.
func (e *effort) add(way *big.Int, tr trace) {
	e.Messages++
	e.Transactions += len(tr.steps)
	e.Gas += tr.gas()
	e.fees.Add(&e.fees, way)
	for _, s := range tr.steps {
		e.fees.Add(&e.fees, s.fees)
	}
}

// end stops the watch; n is how many leaves the fees are shared by, 0 for none.
func (e *effort) end(n int) {
	e.FeesNano, e.Seconds = e.fees.String(), secondsSince(e.began)
	if n > 0 {
		e.PerLeafNano = new(big.Int).Div(&e.fees, big.NewInt(int64(n))).String()
	}
}

// plus adds another effort; one that has ended gives its time as well.
func (e *effort) plus(o *effort) {
	e.Messages, e.Transactions, e.Gas = e.Messages+o.Messages, e.Transactions+o.Transactions, e.Gas+o.Gas
	e.fees.Add(&e.fees, &o.fees)
	e.began = e.began.Add(-time.Duration(o.Seconds * float64(time.Second)))
}

func secondsSince(t time.Time) float64 { return float64(time.Since(t).Milliseconds()) / 1000 }

// memoryMiB is what this process has from the system.
func memoryMiB() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return (m.Sys - m.HeapReleased) >> 20
}

// liveMiB is what it could not do without.
func liveMiB() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc >> 20
}
