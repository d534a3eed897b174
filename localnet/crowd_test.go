package localnet

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton/wallet"
	"github.com/xssnick/tonutils-go/tvm/cell"
	"golang.org/x/sync/errgroup"
)

var (
	crowdTxs      = flag.Int("crowd-txs", 8_000, "transactions of TestCrowd")
	crowdAccounts = flag.Int("crowd-accounts", 1_000, "accounts of TestCrowd")
	crowdFigures  = flag.String("crowd-figures", "", "file that TestCrowd writes its figures to, as one line of JSON")
	crowdPlot     = flag.String("crowd-plot", "", "SVG file that TestCrowd draws time and memory of every round into")
)

// crowdRound is how many transfers wait for each round at most, two transactions
// each; nobody pays twice in a round.
const crowdRound = 2000

// payer is a v4r2 wallet that signs without more state than its seqno.
type payer struct {
	key   ed25519.PrivateKey
	id    fullID
	init  *tlb.StateInit
	seqno uint32
}

func newPayer(t testing.TB, n int) *payer {
	p := &payer{key: keyOf(fmt.Sprint("payer ", n))}
	init, err := wallet.GetStateInit(publicOf(p.key), wallet.V4R2, wallet.DefaultSubwallet)
	require.NoError(t, err)
	p.init = init
	p.id, err = parseAddress(init.CalcAddress(0))
	require.NoError(t, err)
	return p
}

// pay signs a transfer of one nanoTON and what the receiver's rent may need.
func (p *payer) pay(to *address.Address, utime int64) (*cell.Cell, error) {
	message, err := tlb.ToCell(&tlb.InternalMessage{IHRDisabled: true, DstAddr: to, Amount: tlb.FromNanoTON(big.NewInt(1e6)), Body: cell.BeginCell().EndCell()})
	if err != nil {
		return nil, err
	}
	body := cell.BeginCell().MustStoreUInt(wallet.DefaultSubwallet, 32).MustStoreUInt(uint64(utime)+3600, 32).MustStoreUInt(uint64(p.seqno), 32).
		MustStoreUInt(0, 8).MustStoreUInt(3, 8).MustStoreRef(message)
	p.seqno++
	signed := cell.BeginCell().MustStoreSlice(ed25519.Sign(p.key, body.EndCell().Hash()), 512).MustStoreBuilder(body)
	return tlb.ToCell(&tlb.ExternalMessage{DstAddr: p.id.address(), Body: signed.EndCell()})
}

// crowdSample is what one round took.
type crowdSample struct {
	Txs    int     `json:"txs"`
	MS     float64 `json:"ms"`
	HeapMB float64 `json:"heap_mb"` // in use after a collection; measured at every tenth of a tenth
}

// TestCrowd_CostOfABlockStaysTheSame makes transfers among many accounts, and
// wants memory to be bounded and every transfer to be done.
func TestCrowd_CostOfABlockStaysTheSame(t *testing.T) {
	accounts, transfers := *crowdAccounts, *crowdTxs/2
	payers := make([]*payer, accounts)
	cfg := func(c *Config) { c.Manual, c.Shards, c.Keep = true, 2, 8 }
	var genesis []GenesisAccount
	for i := range payers {
		payers[i] = newPayer(t, i)
		genesis = append(genesis, GenesisAccount{Address: payers[i].id.address(), Code: payers[i].init.Code, Data: payers[i].init.Data, Nano: coins(10)})
	}
	c := New(t, cfg, with(genesis...))
	var samples []crowdSample
	size := min(crowdRound, accounts)
	made, rounds := 0, max(1, transfers/size)
	for round := range rounds {
		var group errgroup.Group
		utime := int64(c.utime(c.view()))
		for part := range runtime.GOMAXPROCS(0) {
			group.Go(func() error {
				for i := part; i < size; i += runtime.GOMAXPROCS(0) {
					n := (round*size + i) % accounts
					m, err := payers[n].pay(payers[(n+1)%accounts].id.address(), utime)
					if err != nil {
						return err
					}
					if err = c.Push(m.ToBOC()); err != nil {
						return err
					}
				}
				return nil
			})
		}
		require.NoError(t, group.Wait())
		began := time.Now()
		require.NoError(t, c.Mine())
		s := crowdSample{MS: float64(time.Since(began).Microseconds()) / 1000}
		for _, top := range c.view().head.tops {
			for seqno := top.block.id.SeqNo; ; seqno-- {
				b := c.view().history.find(top.block.shard, seqno)
				if b == nil || b.master != c.view().head.id.SeqNo {
					break
				}
				s.Txs += len(b.txs)
			}
		}
		made += s.Txs
		if round%max(1, rounds/100) == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			s.HeapMB = float64(m.HeapAlloc) / (1 << 20)
		}
		samples = append(samples, s)
	}
	require.NoError(t, c.MineAll())
	for n, p := range payers {
		require.Equal(t, p.seqno, seqnoOf(t, c, p), "payer %d", n)
	}
	report(t, samples, made)
}

func seqnoOf(t testing.TB, c *Chain, p *payer) uint32 {
	t.Helper()
	state, err := c.Account(p.id.address())
	require.NoError(t, err)
	var a tlb.AccountState
	require.NoError(t, tlb.Parse(&a, state))
	return uint32(a.StateInit.Data.MustBeginParse().MustLoadUInt(32))
}

// report compares the first tenth of the rounds with the last.
func report(t testing.TB, samples []crowdSample, txs int) {
	t.Helper()
	perTx := func(list []crowdSample) float64 {
		var costs []float64
		for _, s := range list {
			costs = append(costs, s.MS/float64(max(s.Txs, 1))*1000)
		}
		slices.Sort(costs)
		return costs[len(costs)/2]
	}
	tenth := max(1, len(samples)/10)
	first, last := perTx(samples[:tenth]), perTx(samples[len(samples)-tenth:])
	total, heap := 0.0, 0.0
	for _, s := range samples {
		total += s.MS
		heap = max(heap, s.HeapMB)
	}
	figures, err := json.Marshal(map[string]any{"txs": txs, "rounds": len(samples), "seconds_in_blocks": total / 1000, "us_per_tx_first_tenth": first,
		"us_per_tx_last_tenth": last, "last_vs_first": last / first, "heap_mb_max": heap, "heap_mb_first": samples[0].HeapMB})
	require.NoError(t, err)
	t.Logf("%s", figures)
	if *crowdFigures != "" {
		require.NoError(t, os.WriteFile(*crowdFigures, append(figures, '\n'), 0o644))
	}
	if *crowdPlot != "" {
		require.NoError(t, os.WriteFile(*crowdPlot, plot(samples), 0o644))
	}
}

// Sizes of the plot, in pixels.
const (
	plotWidth, plotHeight = 720, 240
	plotMargin            = 50
)

// plot draws microseconds in a block for each transaction, and the heap in MB.
func plot(samples []crowdSample) []byte {
	var cost, heap [][2]float64
	for i, s := range samples {
		cost = append(cost, [2]float64{float64(i), s.MS / float64(max(s.Txs, 1)) * 1000})
		if s.HeapMB > 0 {
			heap = append(heap, [2]float64{float64(i), s.HeapMB})
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", plotWidth, 2*plotHeight)
	curve(&b, "microseconds in a block for each transaction", cost, 0, len(samples))
	curve(&b, "heap in use after a collection, MB", heap, plotHeight, len(samples))
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// curve draws points from zero to the largest, over n rounds.
func curve(b *bytes.Buffer, title string, points [][2]float64, top, n int) {
	largest := 0.0
	for _, p := range points {
		largest = max(largest, p[1])
	}
	bottom := float64(top + plotHeight - plotMargin/2)
	fmt.Fprintf(b, `<text x="%d" y="%d">%s</text><text x="2" y="%d">%.0f</text><text x="2" y="%.0f">0</text><text x="%d" y="%.0f">round %d</text>`+"\n",
		plotMargin, top+14, title, top+plotMargin/2+10, largest, bottom, plotWidth-plotMargin, bottom+12, n)
	b.WriteString(`<polyline fill="none" stroke="#1a6" stroke-width="1" points="`)
	for _, p := range points {
		x := plotMargin + p[0]/float64(max(n-1, 1))*(plotWidth-2*plotMargin)
		fmt.Fprintf(b, "%.1f,%.1f ", x, bottom-p[1]/max(largest, 1)*(plotHeight-plotMargin))
	}
	b.WriteString(`"/>` + "\n")
}
