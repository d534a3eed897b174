package money

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/stream"
	"github.com/cocoon-network/cocoon/protocol/voucher"
)

// fataler is what tests and properties have in common.
type fataler interface {
	require.TestingT
	Helper()
}

var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))

// world is a channel, the dispatcher that holds its vouchers, and the clock.
type world struct {
	t       fataler
	cfg     Config
	ledger  *Ledger
	mu      sync.Mutex
	now     time.Time
	deposit cocoon.Nano
	newest  cocoon.Nano // over all vouchers that left
	bound   cocoon.Nano // P when the newest was signed
	earned  cocoon.Nano // what the client agreed to
	maxLoss cocoon.Nano
}

func newWorld(t fataler, dir string) *world {
	w := &world{t: t, now: time.Unix(1_700_000_000, 0), deposit: cocoon.TON(50)}
	w.cfg = Config{Dir: dir, GlobalID: -217, Channel: cocoon.Account{1}, Key: key, Now: func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now
	}}
	w.start()
	return w
}

func (w *world) start() {
	w.t.Helper()
	var err error
	w.ledger, err = Open(w.cfg)
	require.NoError(w.t, err)
	w.ledger.SetDeposit(w.deposit)
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// kill ends the process at this very moment: the lock goes, the file stays as it
// is, and where the power goes with it, what was not synced is cut anywhere.
func (w *world) kill(power bool, cut float64) {
	w.t.Helper()
	j := w.ledger.journal
	path := filepath.Join(w.cfg.Dir, journalFile)
	if power {
		safe := int64(j.synced * recordSize)
		size := int64(j.written.Load() * recordSize)
		require.NoError(w.t, os.Truncate(path, safe+int64(cut*float64(size-safe))))
	}
	require.NoError(w.t, j.file.Close())
	require.NoError(w.t, w.ledger.lock.Close())
	w.start()
}

// sees is the dispatcher that gets a voucher, and keeps the best.
func (w *world) sees(v voucher.Signed) {
	w.t.Helper()
	require.NoError(w.t, v.Verify([32]byte(key.Public().(ed25519.PublicKey))))
	require.Equal(w.t, w.cfg.Channel, v.Channel)
	f := w.ledger.Figures()
	require.LessOrEqual(w.t, v.Cumulative.Cmp(f.Ceiling), 0, "above the ceiling")
	require.LessOrEqual(w.t, v.Cumulative.Cmp(w.deposit), 0, "above the deposit")
	if v.Cumulative.Cmp(w.newest) > 0 {
		w.newest, w.bound = v.Cumulative, w.bound.Max(f.Bound)
	}
	w.look()
}

// look checks inequality (2).
func (w *world) look() {
	w.t.Helper()
	loss := w.newest.Minus(w.earned)
	w.maxLoss = w.maxLoss.Max(loss)
	require.LessOrEqual(w.t, loss.Cmp(w.bound), 0, "loss %s, bound %s", loss, w.bound)
	require.LessOrEqual(w.t, w.bound.Cmp(Most), 0)
	f := w.ledger.Figures()
	require.LessOrEqual(w.t, f.Used.Plus(f.Reserved).Cmp(f.Ceiling), 0, "what runs is covered")
	require.Equal(w.t, w.earned, f.Used, "the books say what was agreed")
}

func idOf(n uint64) (id stream.RequestID) {
	binary.BigEndian.PutUint64(id[:], n)
	return id
}

func nanos(t *rapid.T, most uint64, what string) cocoon.Nano {
	return cocoon.NanoOf(rapid.Uint64Range(0, most).Draw(t, what))
}

// A dispatcher that hides vouchers, claims what it likes and is asked for anything
// at all, over a daemon that is killed at any point, gains at most P.
func TestLedger_NoInterleavingLosesMoreThanTheBound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var most struct{ MaxLoss, Bound cocoon.Nano }
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, filepath.Join(dir, rapid.StringMatching("[a-z0-9]{16}").Draw(t, "folder")))
		defer func() { _, _ = w.ledger.Close(), os.RemoveAll(w.cfg.Dir) }()
		var open, ended []uint64
		var next uint64
		full, cancel := context.WithCancel(context.Background())
		cancel() // nobody waits for room here
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				next++
				v, err := w.ledger.Reserve(full, idOf(next), [32]byte{1}, nanos(t, 300_000_000, "reserve"))
				if err == nil {
					open = append(open, next)
					w.sees(v)
				}
			},
			"extend": func(t *rapid.T) {
				if len(open) == 0 {
					t.Skip()
				}
				if v, err := w.ledger.Extend(idOf(rapid.SampledFrom(open).Draw(t, "id")), nanos(t, 50_000_000, "more")); err == nil {
					w.sees(v)
				}
			},
			"agree": func(t *rapid.T) {
				if len(open) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				id := open[i]
				_, most, _ := w.ledger.Lost(idOf(id))
				cost, err := w.ledger.Agree(idOf(id), nanos(t, 1_000_000_000, "claimed"))
				require.NoError(t, err)
				v, err := w.ledger.Paid()
				require.NoError(t, err)
				require.LessOrEqual(t, cost.Cmp(most), 0, "more than was set aside")
				open, ended = slices.Delete(open, i, i+1), append(ended, id)
				w.earned = w.earned.Plus(cost)
				require.Equal(t, w.earned, v.Cumulative)
				w.sees(v)
			},
			"a final comes again": func(t *rapid.T) {
				if len(ended) == 0 {
					t.Skip()
				}
				if _, err := w.ledger.Agree(idOf(rapid.SampledFrom(ended).Draw(t, "id")), cocoon.TON(1)); err == nil {
					v, err := w.ledger.Paid()
					require.NoError(t, err)
					w.sees(v)
				}
			},
			"a receipt of nothing": func(t *rapid.T) {
				_, err := w.ledger.Agree(stream.NewRequestID(), cocoon.TON(1))
				require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
			},
			"the dispatcher wants cover": func(t *rapid.T) {
				if v, err := w.ledger.Cover(nanos(t, 60_000_000_000, "need")); err == nil {
					w.sees(v)
				}
			},
			"the dispatcher claims": func(t *rapid.T) {
				s := stream.State{Session: w.ledger.Figures().Session, Cover: nanos(t, 3_000_000_000, "cover"), Used: nanos(t, 3_000_000_000, "used"), Paid: nanos(t, 3_000_000_000, "paid")}
				f := w.ledger.Figures()
				lies := s.Cover.Cmp(f.Ceiling) > 0 || s.Used.Cmp(f.Used) > 0 || s.Paid.Cmp(f.Used) > 0
				require.Equal(t, lies, w.ledger.Learn(s) != nil)
			},
			"time passes": func(t *rapid.T) { w.pass(time.Duration(rapid.IntRange(0, 90).Draw(t, "s")) * time.Second) },
			"kill -9":     func(*rapid.T) { w.kill(false, 0) },
			"power cut": func(t *rapid.T) {
				w.kill(true, rapid.Float64Range(0, 1).Draw(t, "cut"))
				open = slices.DeleteFunc(open, func(id uint64) bool { _, _, ok := w.ledger.Lost(idOf(id)); return !ok })
			},
			"": func(*rapid.T) { w.look() },
		})
		most.MaxLoss, most.Bound = most.MaxLoss.Max(w.maxLoss), most.Bound.Max(w.bound)
	})
	t.Log(figures(t, most.MaxLoss, most.Bound))
}

func figures(t *testing.T, loss, bound cocoon.Nano) string {
	b, err := json.Marshal(map[string]cocoon.Nano{"max_loss": loss, "bound": bound})
	require.NoError(t, err)
	return string(b)
}

func TestLedger_OneFsyncCoversManyRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	r := cocoon.NanoOf(100_000)
	first, err := w.ledger.Reserve(t.Context(), idOf(1), [32]byte{}, r)
	require.NoError(t, err)
	for n := uint64(2); n < 40; n++ {
		v, err := w.ledger.Reserve(t.Context(), idOf(n), [32]byte{}, r)
		require.NoError(t, err)
		require.Equal(t, first, v, "the same voucher covers them all")
	}
	require.Equal(t, part(floor, 4), first.Cumulative)
}

func TestLedger_RequestsWaitForRoomAndGoOnWhenThereIsSome(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	_, err := w.ledger.Reserve(t.Context(), idOf(1), [32]byte{}, Most)
	require.NoError(t, err)
	var g errgroup.Group
	g.Go(func() error {
		_, err := w.ledger.Reserve(t.Context(), idOf(2), [32]byte{}, cocoon.NanoOf(1))
		return err
	})
	_, err = w.ledger.Agree(idOf(1), cocoon.NanoOf(5))
	require.NoError(t, err)
	require.NoError(t, g.Wait())
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.ledger.Reserve(gone, idOf(3), [32]byte{}, Most)
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err))
	_, err = w.ledger.Reserve(t.Context(), idOf(4), [32]byte{}, Most.Plus(cocoon.NanoOf(1)))
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err))
}

func TestLedger_NeverPromisesWhatTheChannelDoesNotHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	w.ledger.SetDeposit(cocoon.NanoOf(1000))
	v, err := w.ledger.Reserve(t.Context(), idOf(1), [32]byte{}, cocoon.NanoOf(1000))
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(1000), v.Cumulative)
	_, err = w.ledger.Reserve(t.Context(), idOf(2), [32]byte{}, cocoon.NanoOf(1))
	var short *ShortError
	require.ErrorAs(t, err, &short)
	require.Equal(t, cocoon.NoMoney, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
	w.ledger.SetDeposit(cocoon.NanoOf(1001))
	v, err = w.ledger.Reserve(t.Context(), idOf(2), [32]byte{}, cocoon.NanoOf(1))
	require.NoError(t, err)
	require.Equal(t, cocoon.NanoOf(1001), v.Cumulative)
}

func TestLedger_AcceptsOneProcessAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	_, err := Open(w.cfg)
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(err))
	require.NoError(t, w.ledger.Close())
	_, err = w.ledger.Reserve(t.Context(), idOf(1), [32]byte{}, cocoon.NanoOf(1))
	require.Error(t, err, "closed books sign nothing")
	w.start()
}

func TestLedger_SessionsOnlyGrow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	last := uint64(w.now.UnixNano()) - 1
	for range 5 {
		got, err := w.ledger.NextSession()
		require.NoError(t, err)
		require.Equal(t, last+1, got)
		last = got
		w.kill(true, 0)
	}
	w.pass(-time.Hour)
	got, err := w.ledger.NextSession()
	require.NoError(t, err)
	require.Equal(t, last+1, got, "whatever the clock does")
	require.NoError(t, w.ledger.Learn(stream.State{Session: last}), "said before")
	require.Equal(t, cocoon.Conflict, cocoon.KindOf(w.ledger.Learn(stream.State{Session: got + 1})), "another daemon's")
}

func TestLedger_RemembersWhatItMayBeAskedForAndForgetsTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	route := [32]byte{9}
	for n := uint64(1); n <= 2; n++ {
		_, err := w.ledger.Reserve(t.Context(), idOf(n), route, cocoon.NanoOf(10))
		require.NoError(t, err)
	}
	_, err := w.ledger.Agree(idOf(2), cocoon.NanoOf(3))
	require.NoError(t, err)
	w.kill(false, 0)
	got, most, ok := w.ledger.Lost(idOf(1))
	require.True(t, ok)
	require.Equal(t, route, got)
	require.Equal(t, cocoon.NanoOf(10), most)
	cost, ok := w.ledger.Ended(idOf(2))
	require.True(t, ok)
	require.Equal(t, cocoon.NanoOf(3), cost)
	w.pass(memory + time.Second)
	w.kill(false, 0)
	_, _, ok = w.ledger.Lost(idOf(1))
	require.False(t, ok)
	require.Zero(t, w.ledger.Figures().Reserved)
	require.Equal(t, cocoon.NanoOf(3), w.ledger.Figures().Used, "money is not forgotten")
}

func TestJournal_ALongOneIsWrittenAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	w.ledger.journal.written.Store(mostRecords)
	for n := uint64(1); n <= 2; n++ {
		_, err := w.ledger.Reserve(t.Context(), idOf(n), [32]byte{}, cocoon.NanoOf(10))
		require.NoError(t, err)
	}
	_, err := w.ledger.Agree(idOf(1), cocoon.NanoOf(3))
	require.NoError(t, err)
	require.EqualValues(t, 3, w.ledger.journal.written.Load())
	before := w.ledger.Figures()
	w.kill(true, 0)
	after := w.ledger.Figures()
	before.Bound, after.Bound = cocoon.Nano{}, cocoon.Nano{}
	require.Equal(t, before, after)
}

func TestJournal_DamageInTheMiddleIsNotACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	for range 3 {
		_, err := w.ledger.NextSession()
		require.NoError(t, err)
	}
	require.NoError(t, w.ledger.Close())
	path := filepath.Join(w.cfg.Dir, journalFile)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	raw[recordSize+3] ^= 1
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	_, err = Open(w.cfg)
	require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
}

func FuzzRecord(f *testing.F) {
	f.Add(record{event: agreed, session: 1, ceiling: Most, used: floor, request: [16]byte{1}, route: [32]byte{2}, amount: cocoon.NanoOf(3), at: 4}.bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) != recordSize {
			return
		}
		if r, ok := parseRecord(raw); ok {
			require.Equal(t, raw, r.bytes())
		}
	})
}

func TestBound_FollowsAMinute(t *testing.T) {
	t.Parallel()
	var m minute
	now := time.Unix(1_700_000_000, 0)
	require.Equal(t, floor, m.bound(now))
	m.want(now, cocoon.NanoOf(50_000_000))
	m.want(now.Add(10*time.Second), cocoon.NanoOf(30_000_000))
	require.Equal(t, cocoon.NanoOf(100_000_000), m.bound(now.Add(59*time.Second)))
	require.Equal(t, cocoon.NanoOf(60_000_000), m.bound(now.Add(60*time.Second)))
	require.Equal(t, floor, m.bound(now.Add(70*time.Second)))
	m.spend(now, cocoon.NanoOf(70_000_000))
	m.spend(now.Add(59*time.Second), cocoon.NanoOf(80_000_000))
	require.Equal(t, cocoon.NanoOf(150_000_000), m.bound(now.Add(59*time.Second)))
	require.Equal(t, cocoon.NanoOf(80_000_000), m.bound(now.Add(60*time.Second)))
	m.want(now, cocoon.TON(9))
	require.Equal(t, Most, m.bound(now))
}

var floor = cocoon.NanoOf(20_000_000)
