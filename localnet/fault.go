package localnet

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
)

// Faults are what a liteserver does wrong. The zero value is a good server.
// Rates are shares of the queries, from 0 to 1; what becomes of the n-th query
// after Serve or SetFaults depends on the server's key, Seed and n alone.
type Faults struct {
	Seed uint64
	// Only names the kinds of query that latency, rates and the lie concern, as
	// Stats names them; empty means all. Lag, View and HalfClose concern all.
	Only []string
	// Latency passes before a query is looked at, and up to Jitter more.
	Latency, Jitter time.Duration
	// ErrorRate is of queries refused with Error instead of an answer. The zero
	// Error is what the reference server says when it is overloaded.
	ErrorRate float64
	Error     ton.LSError
	// DropRate is of queries whose connection is closed in place of the answer,
	// SilenceRate of those that are never answered. Either was carried out, and
	// comes before an error.
	DropRate, SilenceRate float64
	// HalfClose keeps connections open but reads and writes nothing from the next
	// query on.
	HalfClose bool
	// LagBlocks is how many masterchain blocks the server is behind, in everything.
	LagBlocks uint32
	// ShardLag is how many masterchain blocks more its shard client is behind: of
	// those the server knows the masterchain block, but not the shard blocks.
	ShardLag uint32
	// Lie is told in LieRate of the answers it can be told in; 0 means in all.
	Lie     Lie
	LieRate float64
	// View is the chain the server speaks of in place of its own. One with the
	// same Seed, Genesis and Clock shares its beginning.
	View *Chain
}

func (f Faults) check() error {
	for _, rate := range []float64{f.ErrorRate, f.DropRate, f.SilenceRate, f.LieRate} {
		if !(rate >= 0 && rate <= 1) {
			return fmt.Errorf("a rate of %v is not between 0 and 1", rate)
		}
	}
	if f.Latency < 0 || f.Jitter < 0 {
		return fmt.Errorf("latency %s and jitter %s: neither may be negative", f.Latency, f.Jitter)
	}
	if _, ok := lies[f.Lie]; !ok && f.Lie != "" {
		return fmt.Errorf("unknown lie %q", f.Lie)
	}
	return nil
}

func (f Faults) clone() Faults {
	f.Only = slices.Clone(f.Only)
	return f
}

// overloaded is the code of the reference server's own timeout.
const overloaded = -503

func (f Faults) refusal() ton.LSError {
	if f.Error == (ton.LSError{}) {
		return ton.LSError{Code: overloaded, Text: "timeout"}
	}
	return f.Error
}

// fate is what becomes of one query.
type fate struct {
	delay                      time.Duration
	refuse, drop, silence, lie bool
}

// fate draws as many numbers for every query, so that one fault does not move
// the others about.
func (f Faults) fate(key, number uint64) fate {
	draw := rand.New(rand.NewPCG(key^f.Seed, number))
	d := fate{delay: f.Latency + time.Duration(draw.Float64()*float64(f.Jitter))}
	d.refuse = draw.Float64() < f.ErrorRate
	d.drop = draw.Float64() < f.DropRate
	d.silence = draw.Float64() < f.SilenceRate
	d.silence = d.silence && !d.drop
	d.refuse = d.refuse && !d.drop && !d.silence
	d.lie = draw.Float64() < f.LieRate || f.LieRate == 0
	d.lie = d.lie && f.Lie != ""
	return d
}

// oddKinds are types whose names are not those of lite_api.tl.
var oddKinds = map[string]string{"GetMasterchainInf": "getMasterchainInfo", "GetBlockData": "getBlock", "GetAccountStatePruned": "getAccountStatePrunned"}

// kindOf names a query as lite_api.tl does; a wait before it does not count.
func kindOf(query tl.Serializable) string {
	_, query = bare(query)
	if query == nil {
		return "unknown"
	}
	name := reflect.TypeOf(query).Name()
	if odd, ok := oddKinds[name]; ok {
		return odd
	}
	if name == "" {
		return "unknown"
	}
	return strings.ToLower(name[:1]) + name[1:]
}
