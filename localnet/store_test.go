package localnet

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

func in(dir string) func(*Config) {
	return func(c *Config) { c.Manual, c.Data = true, dir }
}

// start is New for a chain that the test closes and opens again.
func start(t testing.TB, options ...func(*Config)) (*Chain, error) {
	t.Helper()
	var cfg Config
	for _, o := range options {
		o(&cfg)
	}
	return Start(t.Context(), cfg)
}

func mustStart(t testing.TB, options ...func(*Config)) *Chain {
	t.Helper()
	c, err := start(t, options...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// busyDays lets a chain see all that a folder has to keep.
func busyDays(t *testing.T, c *Chain, all []*rich, rnd *rand.Rand, days int) {
	t.Helper()
	for range days {
		for _, r := range all {
			if rnd.IntN(2) == 0 {
				require.NoError(t, c.Push(r.send(t, coins(1), spread(0, byte(rnd.IntN(256)), 1), spread(-1, 7, 7))))
			}
		}
		if rnd.IntN(4) == 0 {
			require.NoError(t, c.aim(randomGoal(rnd)))
		}
		if rnd.IntN(8) == 0 {
			require.NoError(t, c.SetConfig(map[uint32]*cell.Cell{71: cell.BeginCell().MustStoreUInt(rnd.Uint64(), 64).EndCell()}))
		}
		require.NoError(t, c.Mine())
	}
}

func TestStore_ResumesWhereItStopped(t *testing.T) {
	t.Parallel()
	for _, keep := range []int{0, 20} {
		t.Run(fmt.Sprint("keep ", keep), func(t *testing.T) {
			t.Parallel()
			dir, rnd, wall := t.TempDir(), rand.New(rand.NewPCG(3, uint64(keep))), newWallClock()
			all, option := crowd(t, 6)
			options := []func(*Config){in(dir), option, func(c *Config) { c.Clock, c.Keep = wall.read, keep }}
			for range 4 {
				c, err := start(t, options...)
				require.NoError(t, err)
				busyDays(t, c, all, rnd, 60)
				before := c.view()
				require.NoError(t, c.Close())

				c, err = start(t, options...)
				require.NoError(t, err)
				after := c.view()
				require.Equal(t, before.head.id, after.head.id)
				requireSameHead(t, before.head, after.head)
				for shard, list := range before.history {
					for _, b := range list {
						if b.state != nil {
							require.NotNil(t, after.history.find(shard, b.id.SeqNo), "block %d of shard %s", b.id.SeqNo, shard)
							require.Equal(t, b.id, after.history.find(shard, b.id.SeqNo).id)
						}
					}
				}
				api := connect(t, c, ton.ProofCheckPolicySecure)
				_, err = api.GetMasterchainInfo(t.Context())
				require.NoError(t, err, "proofs lead from the init block through all key blocks")
				require.NoError(t, c.Close())
			}
			c := mustStart(t, options...)
			require.NoError(t, c.MineAll())
			if keep == 0 {
				requireSound(t, c)
				requireDeliveredOnce(t, c)
			} else {
				require.Less(t, len(c.view().history[wholeMasterchain]), 200, "old blocks are gone")
			}
		})
	}
}

// requireSameHead compares everything that the next round depends on.
func requireSameHead(t *testing.T, a, b *block) {
	t.Helper()
	pairs := [][2]*block{{a, b}}
	require.Len(t, b.tops, len(a.tops))
	for i := range a.tops {
		pairs = append(pairs, [2]*block{a.tops[i].block, b.tops[i].block})
		x, y := *a.tops[i], *b.tops[i]
		require.Equal(t, []any{x.fees, x.splitAt, x.mergeAt, x.beforeMerge}, []any{y.fees, y.splitAt, y.mergeAt, y.beforeMerge})
	}
	require.Equal(t, []any{a.key, a.lastKey, a.signature}, []any{b.key, b.lastKey, b.signature})
	require.Equal(t, a.rules.config.Root().Hash(), b.rules.config.Root().Hash())
	for _, p := range pairs {
		x, y := p[0], p[1]
		require.Equal(t, []any{x.id, x.startLT, x.endLT, x.utime, x.minRef, x.fees.String(), x.validatorFees.String(), x.made.String(), x.master, x.flags, x.load},
			[]any{y.id, y.startLT, y.endLT, y.utime, y.minRef, y.fees.String(), y.validatorFees.String(), y.made.String(), y.master, y.flags, y.load})
		require.ElementsMatch(t, x.marks, y.marks)
		require.Equal(t, len(x.queue), len(y.queue))
		for i := range x.queue {
			require.Equal(t, x.queue[i].envelope.Hash(), y.queue[i].envelope.Hash())
			require.Equal(t, []place{x.queue[i].current(), x.queue[i].next()}, []place{y.queue[i].current(), y.queue[i].next()})
		}
		require.Equal(t, len(x.txs), len(y.txs))
		for i := range x.txs {
			require.Equal(t, x.txs[i].hash, y.txs[i].hash)
		}
	}
}

// kept makes a folder of a few rounds and returns the last two heads.
func kept(t *testing.T) (dir string, option func(*Config), before, last *ton.BlockIDExt) {
	t.Helper()
	dir = t.TempDir()
	all, option := crowd(t, 2)
	c, err := start(t, in(dir), option)
	require.NoError(t, err)
	for i := range 3 {
		before = c.Head()
		require.NoError(t, c.Push(all[i%2].send(t, coins(1), account(1))))
		require.NoError(t, c.Mine())
	}
	last = c.Head()
	require.NoError(t, c.Close())
	return dir, option, before, last
}

// lastRecord is where the last record of the newest file begins and ends.
func lastRecord(t *testing.T, dir string) (name string, raw []byte, offset int64) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "blocks-*.log"))
	require.NoError(t, err)
	name = names[len(names)-1]
	s, _, err := openSegment(name, func(at int64, _ []byte) error { offset = at; return nil })
	require.NoError(t, err)
	require.NoError(t, s.file.Close())
	raw, err = os.ReadFile(name)
	require.NoError(t, err)
	return name, raw, offset
}

func TestStore_ATornLastRecordIsCut(t *testing.T) {
	t.Parallel()
	dir, option, before, last := kept(t)
	name, raw, offset := lastRecord(t, dir)
	rnd := rand.New(rand.NewPCG(5, 5))
	for i := range 60 {
		torn := append([]byte(nil), raw[:offset+1+rnd.Int64N(int64(len(raw))-offset-1)]...)
		if i%3 == 1 { // all of it is there, but not as it was written
			torn = append([]byte(nil), raw...)
			torn[offset+recordHead+rnd.Int64N(int64(len(raw))-offset-recordHead)] ^= 1 << rnd.IntN(8)
		}
		require.NoError(t, os.WriteFile(name, torn, 0o644))
		c, err := start(t, in(dir), option)
		require.NoError(t, err)
		require.Equal(t, before, c.Head())
		require.NoError(t, c.Mine())
		require.NoError(t, c.Close())
	}
	require.NoError(t, os.WriteFile(name, raw, 0o644))
	c := mustStart(t, in(dir), option)
	require.Equal(t, last, c.Head())
}

func TestStore_DamageBeforeTheLastRecordIsNotCut(t *testing.T) {
	t.Parallel()
	dir, option, _, _ := kept(t)
	name, raw, offset := lastRecord(t, dir)
	damaged := append([]byte(nil), raw...)
	damaged[offset-1] ^= 1
	require.NoError(t, os.WriteFile(name, damaged, 0o644))
	_, err := start(t, in(dir), option)
	require.ErrorContains(t, err, "damaged")
	now, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, damaged, now, "a refusal changes nothing")
}

func TestStore_RefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	dir, option, _, last := kept(t)
	for name, refused := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"another seed":    {func(c *Config) { c.Seed = []byte("other") }, "validator"},
		"another network": {func(c *Config) { c.GlobalID = 5 }, "global id"},
	} {
		_, err := start(t, in(dir), option, refused.change)
		require.ErrorContains(t, err, refused.says, name)
	}
	c := mustStart(t, in(dir), option)
	require.Equal(t, last, c.Head(), "and changes nothing")
	_, err := start(t, in(dir), option)
	require.ErrorContains(t, err, "another process holds")

	other := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(other, "blocks-7.log"), nil, 0o644))
	_, err = start(t, in(other))
	require.ErrorContains(t, err, "not a file of this program")
	require.NoError(t, os.Rename(filepath.Join(other, "blocks-7.log"), filepath.Join(other, "blocks-0000000001.log")))
	_, err = start(t, in(other))
	require.ErrorContains(t, err, "names no zerostate")
}

func TestStore_WhatCannotBeKeptIsNotShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	all, option := crowd(t, 1)
	c := mustStart(t, in(dir), option)
	before := c.Head()
	c.making.Lock()
	good := c.store.current.file
	deaf, err := os.Open(good.Name())
	require.NoError(t, err)
	c.store.current.file = deaf
	c.making.Unlock()
	require.NoError(t, c.Push(all[0].send(t, coins(1), account(1))))
	require.Error(t, c.Mine())
	require.Equal(t, before, c.Head())
	c.making.Lock()
	c.store.current.file = good
	c.making.Unlock()
	require.NoError(t, deaf.Close())
	all[0].seqno = 0
	require.NoError(t, c.Push(all[0].send(t, coins(1), account(1))))
	require.NoError(t, c.Mine())
	require.Equal(t, coins(1), balance(t, c, account(1)))
	requireSound(t, c)
}

func TestStore_KeyBlocksThatWereTakenBackStayGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	options := func(c *Config) { c.Keep = 64 }
	c, err := start(t, in(dir), options)
	require.NoError(t, err)
	set := func(n uint64) {
		require.NoError(t, c.SetConfig(map[uint32]*cell.Cell{71: cell.BeginCell().MustStoreUInt(n, 64).EndCell()}))
	}
	set(1)
	moment := c.Snapshot()
	set(2)
	set(3)
	require.NoError(t, c.Revert(moment))
	set(4) // another in the place of 2, and none in the place of 3
	for range 300 {
		require.NoError(t, c.Mine())
	}
	require.NoError(t, c.Close())
	c = mustStart(t, in(dir), options)
	require.Greater(t, c.store.segments[0], uint32(1), "the rounds with the key blocks are gone")
	keys := map[uint32]int{}
	for _, b := range c.view().history[wholeMasterchain] {
		keys[b.id.SeqNo]++
		require.Equal(t, 1, keys[b.id.SeqNo], "block %d", b.id.SeqNo)
	}
	require.Zero(t, keys[moment.head.SeqNo+2])
	api := connect(t, c, ton.ProofCheckPolicySecure)
	_, err = api.GetMasterchainInfo(t.Context())
	require.NoError(t, err, "proofs lead through the key blocks that became law")
}

// TestStore_Child is the process that TestStore_SurvivesKills kills.
func TestStore_Child(t *testing.T) {
	dir := os.Getenv("LOCALNET_TEST_DATA")
	if dir == "" {
		t.Skip("it is run by TestStore_SurvivesKills")
	}
	c, err := start(t, in(dir), func(c *Config) { c.Shards, c.Keep = 2, 64 })
	require.NoError(t, err)
	fmt.Println("HEAD", c.Head().SeqNo, fmt.Sprintf("%x", c.Head().RootHash))
	for i := 0; ; i++ {
		go func() { _ = c.Faucet(t.Context(), spread(0, byte(i*17), byte(i)), coins(1)) }()
		if i%7 == 0 {
			require.NoError(t, c.SetConfig(map[uint32]*cell.Cell{71: cell.BeginCell().MustStoreUInt(uint64(i), 64).EndCell()}))
		}
		require.NoError(t, c.Mine())
		fmt.Println("HEAD", c.Head().SeqNo, fmt.Sprintf("%x", c.Head().RootHash))
	}
}

func TestStore_SurvivesKills(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	dir, rnd, kills := t.TempDir(), rand.New(rand.NewPCG(8, 8)), 100
	if testing.Short() {
		kills = 10
	}
	var seqno uint32
	var hash, said string
	for range kills {
		child := exec.Command(self, "-test.run", "^TestStore_Child$")
		child.Env = append(os.Environ(), "LOCALNET_TEST_DATA="+dir)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		child.Stderr = child.Stdout
		require.NoError(t, child.Start())
		lines := bufio.NewScanner(out)
		first, left := true, 1+rnd.IntN(12)
		for lines.Scan() {
			var s uint32
			var h string
			if n, _ := fmt.Sscanf(lines.Text(), "HEAD %d %s", &s, &h); n != 2 {
				said += lines.Text() + "\n"
				continue
			}
			if first {
				require.True(t, s > seqno || s == seqno && (h == hash || seqno == 0), "block %d %s was committed, resumed at %d %s", seqno, hash, s, h)
				first = false
			}
			seqno, hash = s, h
			if left--; left == 0 {
				time.Sleep(time.Duration(rnd.IntN(3000)) * time.Microsecond)
				require.NoError(t, child.Process.Kill())
				break
			}
		}
		for lines.Scan() { // what it could still tell
			if n, _ := fmt.Sscanf(lines.Text(), "HEAD %d %s", &seqno, &hash); n != 2 {
				said += lines.Text() + "\n"
			}
		}
		_, _ = io.Copy(io.Discard, out)
		_ = child.Wait()
		require.False(t, first, "the child came up: %s", said)
		require.NotContains(t, said, "FAIL")
	}
	c := mustStart(t, in(dir), func(c *Config) { c.Shards = 2 })
	require.GreaterOrEqual(t, c.Head().SeqNo, seqno)
	require.NoError(t, c.MineAll())
	api := connect(t, c, ton.ProofCheckPolicySecure)
	_, err = api.GetMasterchainInfo(t.Context())
	require.NoError(t, err)
}

func FuzzStore(f *testing.F) {
	dir := f.TempDir()
	c, err := start(f, in(dir))
	require.NoError(f, err)
	require.NoError(f, c.Mine())
	require.NoError(f, c.Close())
	zero, err := os.ReadFile(filepath.Join(dir, chainFile))
	require.NoError(f, err)
	name := filepath.Join(dir, "blocks-0000000001.log")
	s, _, err := openSegment(name, func(_ int64, payload []byte) error {
		f.Add(payload)
		return nil
	})
	require.NoError(f, err)
	require.NoError(f, s.file.Close())
	f.Fuzz(func(t *testing.T, payload []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, chainFile), zero, 0o644))
		s, _, err := openSegment(filepath.Join(dir, "blocks-0000000001.log"), nil)
		require.NoError(t, err)
		require.NoError(t, s.append(payload))
		require.NoError(t, s.file.Close())
		var cfg Config
		in(dir)(&cfg)
		require.NoError(t, cfg.complete())
		c, err := newChain(cfg)
		if err == nil {
			require.NoError(t, c.Mine(), "what is accepted goes on")
			require.NoError(t, c.store.close())
		}
	})
}
