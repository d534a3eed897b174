package sandboxtests

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"
	"golang.org/x/sync/errgroup"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Few enough here to run with all tests; make bench-crowd asks for 10,000 and 100,000.
var (
	crowdProviders = flag.Int("providers", 100, "providers of TestScale_EveryoneOfACrowdLeaves")
	crowdChannels  = flag.Int("channels", 1_000, "channels of TestScale_EveryoneOfACrowdLeaves")
)

const (
	// holdingsOfOne is how many contracts one wallet owns: as many as it may send
	// messages at once, but for a few.
	holdingsOfOne = 250
	// birthsAtOnce is how many of them it deploys at once: an external message takes
	// 64 KiB, and each state init is a part of it.
	birthsAtOnce = 125
	// senders is how many wallets send at the same time.
	senders = 8

	crowdCloseDelay = 86_400 // seconds
)

var (
	crowdStake   = ton(50)
	crowdDeposit = ton(5)
	// crowdLoss is more than a channel's rent until everybody leaves, and its gas.
	crowdLoss = cocoon.NanoOf(2_000_000)
)

// crowd is many owners of contracts on one real chain.
type crowd struct {
	t       *testing.T
	chain   *localnet.Chain
	client  *chain.Client
	books   *crowdBooks
	began   time.Time
	owners  []*party // of providers
	clients []*party // of channels

	Providers int          `json:"providers"`
	Channels  int          `json:"channels"`
	Wallets   int          `json:"wallets"`
	Accounts  int          `json:"accounts"` // at the end
	Waves     []*wave      `json:"waves"`
	Blocks    int          `json:"basechain_blocks"`
	Txs       int          `json:"transactions"`
	PerSecond int          `json:"transactions_per_second"` // of the time that waves took
	Reading   float64      `json:"seconds_reading_blocks"`  // for the books
	Seconds   float64      `json:"seconds"`
	Memory    uint64       `json:"memory_mib"`
	Live      uint64       `json:"live_mib"` // of it
	Money     crowdBalance `json:"money"`
}

// party is a real wallet and the contracts that obey it alone.
type party struct {
	*chain.Wallet
	contracts []cocoon.Account
	inits     []*tlb.StateInit
}

// wave is one message to each of many contracts.
type wave struct {
	Name     string  `json:"name"`
	Messages int     `json:"messages"`
	Txs      int     `json:"transactions"`
	Blocks   int     `json:"basechain_blocks"`
	Seconds  float64 `json:"seconds"`
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	require.Positive(t, min(*crowdProviders, *crowdChannels), "a crowd has both")
	c := &crowd{t: t, chain: localnet.New(t), began: time.Now(), Providers: *crowdProviders, Channels: *crowdChannels}
	network, err := chain.ParseNetwork(c.chain.GlobalConfig())
	require.NoError(t, err)
	c.client, err = chain.Dial(t.Context(), network, chain.Options{Policy: chain.Fast, Timeout: time.Minute})
	require.NoError(t, err)
	t.Cleanup(c.client.Close)
	c.books = newCrowdBooks(t, c.chain, c.client)
	return c
}

// newParty is a wallet with money.
func (c *crowd) newParty(name string) *party {
	c.t.Helper()
	w, err := chain.NewWallet(c.client, keyOf(name))
	require.NoError(c.t, err)
	c.Wallets++
	return &party{Wallet: w}
}

// hold makes the party the owner of one contract more, which is not born yet.
func (p *party) hold(t *testing.T, b interface {
	Init() (*tlb.StateInit, error)
}) cocoon.Account {
	t.Helper()
	init, err := b.Init()
	require.NoError(t, err)
	a, err := chain.BornAccount(init)
	require.NoError(t, err)
	p.contracts, p.inits = append(p.contracts, a), append(p.inits, init)
	return a
}

// gather makes owners for the providers and clients for the channels.
func (c *crowd) gather(registry cocoon.Account) {
	c.t.Helper()
	for i := range c.Providers {
		if i%holdingsOfOne == 0 {
			c.owners = append(c.owners, c.newParty(fmt.Sprint("owner ", i)))
		}
		p := c.owners[len(c.owners)-1]
		a := p.hold(c.t, wrappers.ProviderBirth{Registry: registry, Owner: p.Account(), Index: uint32(i)})
		c.books.open(a, wrappers.KindProvider, p.Account(), registry)
	}
	for i := range c.Channels {
		if i%holdingsOfOne == 0 {
			c.clients = append(c.clients, c.newParty(fmt.Sprint("client ", i)))
		}
		p := c.clients[len(c.clients)-1]
		a := p.hold(c.t, wrappers.ChannelBirth{Client: p.Account(), ClientKey: publicOf("vouchers"), Rewards: wallet("rewards"),
			DispatcherKey: publicOf("dispatcher"), CloseDelay: crowdCloseDelay, Salt: uint64(i)})
		c.books.open(a, wrappers.KindChannel, p.Account())
	}
}

// fund gives each party as much for each of its contracts, and something to begin with.
func (c *crowd) fund(parties []*party, each cocoon.Nano) {
	c.t.Helper()
	var group errgroup.Group
	for _, p := range parties {
		need, err := each.Mul(uint64(len(p.contracts)))
		require.NoError(c.t, err)
		need = plus(c.t, need, ton(20))
		group.Go(func() error { return c.chain.Faucet(c.t.Context(), chain.Address(p.Account()), need.Big()) })
	}
	require.NoError(c.t, group.Wait())
}

// deploy puts a registry with terms on the chain, and returns the terms' hash.
func (c *crowd) deploy() (registry cocoon.Account, hash [32]byte) {
	c.t.Helper()
	owner, terms := c.newParty("registry owner"), rewardsTerms(c.t)
	registry = owner.hold(c.t, wrappers.RegistryBirth{Owner: owner.Account(), Delay: 7 * 86_400})
	c.fund([]*party{owner}, ton(100))
	announce, err := wrappers.AnnounceTerms(0, terms)
	require.NoError(c.t, err)
	fees, err := wrappers.GetRegistryFees(c.t.Context(), c.client.Unborn(owner.inits[0]), registry)
	require.NoError(c.t, err)
	_, err = owner.Send(c.t.Context(), chain.Message{To: registry, Amount: fees.Announce, Init: owner.inits[0], Bounce: true, Body: body(c.t, announce)},
		chain.Message{To: registry, Amount: fees.Launch, Bounce: true, Body: body(c.t, wrappers.Launch{})})
	require.NoError(c.t, err)
	hash, err = terms.Hash()
	require.NoError(c.t, err)
	return registry, hash
}

// sendAll has every party send v to each of its contracts, most at once.
func sendAll[T any](c *crowd, name string, parties []*party, most int, value cocoon.Nano, v T) {
	c.t.Helper()
	content := body(c.t, v)
	w, start := &wave{Name: name}, time.Now()
	group, ctx := errgroup.WithContext(c.t.Context())
	group.SetLimit(senders)
	for _, p := range parties {
		w.Messages += len(p.contracts)
		group.Go(func() error {
			return p.sendEach(ctx, most, func(i int) chain.Message {
				m := chain.Message{To: p.contracts[i], Amount: value, Bounce: true, Body: content}
				if most == birthsAtOnce {
					m.Init = p.inits[i]
				}
				return m
			})
		})
	}
	require.NoError(c.t, group.Wait(), name)
	for range 2 { // what was left to later blocks
		require.NoError(c.t, c.chain.Mine())
	}
	w.Seconds = secondsSince(start)
	c.read(w)
}

// sendEach sends a message to each contract, most of them in one transaction.
func (p *party) sendEach(ctx context.Context, most int, message func(i int) chain.Message) error {
	for from := 0; from < len(p.contracts); from += most {
		var messages []chain.Message
		for i := from; i < min(from+most, len(p.contracts)); i++ {
			messages = append(messages, message(i))
		}
		if _, err := p.Send(ctx, messages...); err != nil {
			return err
		}
	}
	return nil
}

// read takes what happened in a wave into the books.
func (c *crowd) read(w *wave) {
	c.t.Helper()
	start, blocks, txs := time.Now(), c.books.blocks, c.books.txs
	c.books.catchUp()
	w.Blocks, w.Txs = c.books.blocks-blocks, c.books.txs-txs
	c.Waves, c.Reading = append(c.Waves, w), c.Reading+secondsSince(start)
	c.t.Logf("%s: %d messages, %d transactions in %d blocks, %.1f s; %d MiB", w.Name, w.Messages, w.Txs, w.Blocks, w.Seconds, memoryMiB())
}

// enter has every provider staked under the registry's terms, and every channel funded.
func (c *crowd) enter(hash [32]byte) (wrappers.ProviderFees, wrappers.ChannelFees) {
	c.t.Helper()
	provider, channel := c.owners[0], c.clients[0]
	pf, err := wrappers.GetProviderFees(c.t.Context(), c.client.Unborn(provider.inits[0]), provider.contracts[0])
	require.NoError(c.t, err)
	cf, err := wrappers.GetChannelFees(c.t.Context(), c.client.Unborn(channel.inits[0]), channel.contracts[0])
	require.NoError(c.t, err)
	c.fund(c.owners, plus(c.t, crowdStake, plus(c.t, pf.Stake, ton(1))))
	c.fund(c.clients, plus(c.t, crowdDeposit, ton(1)))
	c.books.catchUp() // what was set up is no part of a wave
	sendAll(c, "stake", c.owners, birthsAtOnce, plus(c.t, crowdStake, pf.Stake), wrappers.Stake{Amount: coins(crowdStake), Response: wallet("change")})
	pf, err = wrappers.GetProviderFees(c.t.Context(), c.client, provider.contracts[0]) // without the rent of a birth
	require.NoError(c.t, err)
	sendAll(c, "refresh_terms", c.owners, holdingsOfOne, pf.RefreshTerms, wrappers.RefreshTerms{Hash: hash})
	sendAll(c, "open_channel", c.clients, birthsAtOnce, crowdDeposit, wrappers.OpenChannel{Model: cocoon.NewModelID("Qwen/Qwen3-32B"), Tokens: 1_000})
	return pf, cf
}

// leave has everybody take home what is theirs, alone.
func (c *crowd) leave(pf wrappers.ProviderFees, cf wrappers.ChannelFees) {
	c.t.Helper()
	sendAll(c, "request_unstake", c.owners, holdingsOfOne, pf.RequestUnstake, wrappers.RequestUnstake{Amount: coins(crowdStake)})
	sendAll(c, "request_close", c.clients, holdingsOfOne, cf.RequestClose, wrappers.RequestClose{})
	wait := max(time.Duration(rewardsTerms(c.t).Provider.Unbonding), crowdCloseDelay) * time.Second
	require.NoError(c.t, c.chain.Advance(wait))
	sendAll(c, "withdraw", c.owners, holdingsOfOne, pf.Withdraw, wrappers.Withdraw{})
	sendAll(c, "finish", c.clients, holdingsOfOne, cf.Finish, wrappers.Finish{Response: wallet("change")})
}

func TestScale_EveryoneOfACrowdLeaves(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	registry, hash := c.deploy()
	c.books.open(registry, wrappers.KindRegistry, cocoon.Account{})
	c.gather(registry)
	c.leave(c.enter(hash))
	c.Money = c.books.reconcile()
	c.books.requireOperations(map[string]int{"provider/stake": c.Providers, "provider/refresh_terms": c.Providers, "provider/terms": c.Providers,
		"provider/request_unstake": c.Providers, "provider/withdraw": c.Providers, "registry/announce": 1, "registry/launch": 1, "registry/request_terms": c.Providers,
		"channel/open_channel": c.Channels, "channel/request_close": c.Channels, "channel/finish": c.Channels})
	c.books.requireHome(wrappers.KindProvider, crowdStake)
	c.books.requireHome(wrappers.KindChannel, minus(t, crowdDeposit, crowdLoss))
	c.report()
}

func (c *crowd) report() {
	inWaves := 0
	for _, w := range c.Waves {
		c.Seconds, inWaves = c.Seconds+w.Seconds, inWaves+w.Txs
	}
	c.Blocks, c.Txs, c.Accounts = c.books.blocks, c.books.txs, len(c.books.held)
	c.PerSecond = int(float64(inWaves) / c.Seconds)
	c.Seconds, c.Memory, c.Live = secondsSince(c.began), memoryMiB(), liveMiB()
	writeFigures(c.t, c)
}
