package localnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/ton"
	"golang.org/x/sync/errgroup"
)

func TestChain_FaucetPaysTheWholeAmountBeforeItReturns(t *testing.T) {
	t.Parallel()
	c := New(t)
	require.NoError(t, c.Faucet(t.Context(), account(1), big.NewInt(123456789)))
	require.Equal(t, big.NewInt(123456789), balance(t, c, account(1)))
	require.Zero(t, balance(t, c, account(2)).Sign())
}

func TestChain_FaucetServesManyAtOnce(t *testing.T) {
	t.Parallel()
	c := New(t)
	var group errgroup.Group
	for i := range 300 {
		group.Go(func() error { return c.Faucet(t.Context(), account(byte(i%50)+1), coins(1)) })
	}
	require.NoError(t, group.Wait())
	for i := range 50 {
		require.Equal(t, coins(6), balance(t, c, account(byte(i)+1)))
	}
	for range 3 {
		require.NoError(t, c.Faucet(t.Context(), account(1), coins(1)))
	}
	require.Equal(t, coins(9), balance(t, c, account(1)))
	requireSound(t, c)
}

func TestChain_FaucetRefusesWhatItCannotPay(t *testing.T) {
	t.Parallel()
	c := New(t)
	for name, refused := range map[string]struct {
		to   *address.Address
		nano *big.Int
	}{
		"nothing":          {account(1), big.NewInt(0)},
		"less":             {account(1), big.NewInt(-1)},
		"no amount":        {account(1), nil},
		"too many bits":    {account(1), new(big.Int).Lsh(big.NewInt(1), 120)},
		"more than it has": {account(1), coins(faucetTON)},
		"nobody":           {nil, coins(1)},
		"no address":       {address.NewAddressNone(), coins(1)},
		"another chain":    {address.NewAddress(0, 5, make([]byte, 32)), coins(1)},
	} {
		require.Error(t, c.Faucet(t.Context(), refused.to, refused.nano), name)
	}
	require.NoError(t, c.Faucet(t.Context(), account(1), coins(1)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Faucet(ctx, account(1), coins(1)), context.Canceled)
}

func TestChain_AdvanceNeverPassesTheWallClock(t *testing.T) {
	t.Parallel()
	wall := newWallClock()
	c := New(t, byHand, func(c *Config) { c.Clock, c.Genesis = wall.read, wall.read().Add(-time.Hour) })
	require.Equal(t, wall.read().Add(-time.Hour), c.Now().Local())

	require.Error(t, c.Advance(time.Hour+time.Second))
	require.Error(t, c.Advance(-time.Second))
	require.Equal(t, wall.read().Add(-time.Hour), c.Now().Local(), "a refusal changes nothing")

	require.NoError(t, c.Advance(45*time.Minute))
	require.Equal(t, wall.read().Add(-15*time.Minute).Unix(), int64(c.view().head.utime), "the newest block shows it")
	wall.move(time.Minute)
	require.Equal(t, wall.read().Add(-15*time.Minute), c.Now().Local(), "time runs on, as far behind")
	require.NoError(t, c.Advance(15*time.Minute))
	require.Equal(t, wall.read(), c.Now().Local())
	require.ErrorContains(t, c.Advance(time.Second), "wall clock")
}

func TestChain_TimeNeverGoesBack(t *testing.T) {
	t.Parallel()
	wall := newWallClock()
	c := New(t, byHand, func(c *Config) { c.Clock = wall.read })
	require.NoError(t, c.Advance(time.Hour))
	before := c.Now()
	wall.move(-24 * time.Hour)
	require.Equal(t, before, c.Now())
	require.NoError(t, c.Mine())
	blocks := c.view().history[wholeMasterchain]
	require.GreaterOrEqual(t, blocks[len(blocks)-1].utime, blocks[len(blocks)-2].utime)
}

func TestChain_SameSeedClockAndMessagesMakeTheSameBlocks(t *testing.T) {
	t.Parallel()
	r := newRich(t, "rich")
	var messages [][]byte // signed once: a wallet dates its messages by the real clock
	for i := range 5 {
		messages = append(messages, r.send(t, coins(1), account(7), account(byte(20+i))))
	}
	run := func(seed string) *ton.BlockIDExt {
		wall := newWallClock()
		c := New(t, byHand, with(r.genesis(t), contract(t, 7, passOn, account(8)), contract(t, 8, passOn, account(9))),
			func(c *Config) { c.Clock, c.Seed = wall.read, []byte(seed) })
		for i, m := range messages {
			wall.move(time.Duration(i) * time.Second)
			require.NoError(t, c.Push(m))
			require.NoError(t, c.Mine())
		}
		return c.Head()
	}
	require.Equal(t, run("a"), run("a"))
	require.NotEqual(t, run("a").RootHash, run("b").RootHash)
}

func TestChain_AnswersWhileItGrows(t *testing.T) {
	t.Parallel()
	var all []*rich
	options := []func(*Config){func(c *Config) { c.BlockTime = 5 * time.Millisecond }}
	for i := range 4 {
		r := newRich(t, fmt.Sprint(i))
		all, options = append(all, r), append(options, with(r.genesis(t)))
	}
	c := New(t, options...)
	api := connect(t, c, ton.ProofCheckPolicyFast)
	var group errgroup.Group
	for i, r := range all {
		group.Go(func() error {
			for n := range 10 {
				if err := c.Push(r.send(t, coins(1), account(byte(i+1)))); err != nil {
					return err
				}
				for done := 0; done <= n; {
					v, grown := c.watch()
					master, err := api.GetMasterchainInfo(t.Context())
					if err != nil {
						return err
					}
					result, err := api.RunGetMethod(t.Context(), master, r.WalletAddress(), "seqno")
					if err != nil {
						return err
					}
					if done = int(result.MustInt(0).Int64()); done <= n && c.view().head == v.head {
						<-grown
					}
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	for i := range all {
		require.Equal(t, coins(10), balance(t, c, account(byte(i+1))))
	}
	requireSound(t, c)
}

func TestChain_TwoLiveSideBySide(t *testing.T) {
	t.Parallel()
	a, b := New(t), New(t)
	require.NotEqual(t, a.Addr(), b.Addr())
	require.NoError(t, a.Faucet(t.Context(), account(1), coins(1)))
	require.NoError(t, b.Faucet(t.Context(), account(1), coins(2)))
	require.Equal(t, coins(1), balance(t, a, account(1)))
	require.Equal(t, coins(2), balance(t, b, account(1)))
}

func TestChain_IntervalModeMakesBlocksOnItsOwn(t *testing.T) {
	t.Parallel()
	c := New(t, func(c *Config) { c.BlockTime = 20 * time.Millisecond })
	require.NoError(t, c.await(t.Context(), 10, 10*time.Second))
	require.NoError(t, c.Faucet(t.Context(), account(1), coins(1)))
	require.Equal(t, coins(1), balance(t, c, account(1)))
}

func TestChain_InstantModeStillMovesWhenIdle(t *testing.T) {
	t.Parallel()
	c := New(t, func(c *Config) { c.Heartbeat = 10 * time.Millisecond })
	require.NoError(t, c.await(t.Context(), 5, 10*time.Second))
}

// It runs alone: a chain of another test may listen where this one did.
func TestChain_CloseEndsEverything(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Start(ctx, Config{BlockTime: time.Hour})
	require.NoError(t, err)
	conn, err := net.Dial("tcp", c.Addr())
	require.NoError(t, err)
	waiting := make(chan error, 1)
	go func() { waiting <- c.Faucet(t.Context(), account(1), coins(1)) }()
	cancel()
	require.NoError(t, c.Close())
	require.NoError(t, c.Close(), "twice does no harm")
	require.ErrorIs(t, <-waiting, errClosed)
	require.ErrorIs(t, c.Mine(), errClosed)
	_, err = io.ReadAll(conn)
	require.True(t, err == nil || errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "reset"), "%v", err)
	_, err = net.Dial("tcp", c.Addr())
	require.Error(t, err)
}

func TestStart_RefusesNonsense(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })
	g := GenesisAccount{Address: account(1), Nano: coins(1)}
	for name, cfg := range map[string]Config{
		"genesis in the future":  {Genesis: time.Now().Add(time.Hour)},
		"genesis before 1970":    {Genesis: time.Unix(-5, 0)},
		"negative block time":    {BlockTime: -1},
		"negative heartbeat":     {Heartbeat: -1},
		"negative shard blocks":  {ShardBlocks: -1},
		"listen on words":        {Listen: "localhost"},
		"listen on IPv6":         {Listen: "[::1]:0"},
		"listen on a taken port": {Listen: taken.Addr().String()},
		"an account twice":       {Accounts: []GenesisAccount{g, g}},
		"no address":             {Accounts: []GenesisAccount{{Nano: coins(1)}}},
		"masterchain account":    {Accounts: []GenesisAccount{{Address: address.NewAddress(0, 5, make([]byte, 32)), Nano: coins(1)}}},
		"no balance":             {Accounts: []GenesisAccount{{Address: account(1)}}},
		"negative balance":       {Accounts: []GenesisAccount{{Address: account(1), Nano: big.NewInt(-1)}}},
		"code without data":      {Accounts: []GenesisAccount{{Address: account(1), Nano: coins(1), Code: contract(t, 1, passOn, account(1)).Code}}},
	} {
		_, err := Start(t.Context(), cfg)
		require.ErrorContains(t, err, "localnet: ", name)
	}
}

func TestChain_AccountsAreWhatBalanceSays(t *testing.T) {
	t.Parallel()
	c := New(t)
	require.NoError(t, c.Faucet(t.Context(), account(1), coins(3)))
	seen := map[string]*big.Int{}
	for a, n := range c.Accounts {
		seen[a.StringRaw()] = n
		require.Equal(t, n, balance(t, c, a))
	}
	require.Len(t, seen, 3, "the config contract is the third")
	require.Equal(t, coins(3), seen[account(1).StringRaw()])
	require.Contains(t, seen, c.FaucetAddress().StringRaw())
	for range c.Accounts {
		break
	}
}

func TestChain_BlocksAreServedByID(t *testing.T) {
	t.Parallel()
	c := New(t)
	boc, err := c.Block(c.Head())
	require.NoError(t, err)
	require.Equal(t, newIDOf(t, boc).RootHash, c.Head().RootHash)
	wrong := c.Head()
	wrong.SeqNo += 1000
	for _, id := range []*ton.BlockIDExt{nil, wrong, {Workchain: 3, Shard: math.MinInt64}, {Shard: 1}} {
		_, err = c.Block(id)
		require.ErrorIs(t, err, errNoBlock)
	}
	_, err = c.Balance(address.NewAddress(0, 5, make([]byte, 32)))
	require.Error(t, err)
}

func TestPackage_DoesNotLinkTesting(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	require.NoError(t, err, string(out))
	for _, pkg := range strings.Fields(string(out)) {
		require.NotEqual(t, "testing", pkg)
		require.False(t, strings.Contains(pkg, "stretchr") || strings.Contains(pkg, "tongo"), pkg)
		if strings.Contains(pkg, "cocoon") && !strings.Contains(pkg, "/internal/") {
			require.Equal(t, "github.com/cocoon-network/cocoon/localnet", pkg, "localnet imports no room of ours")
		}
	}
}
