package sandboxtests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// town is a provider and a dispatcher that have taken the terms of a real registry, and a client.
type town struct {
	registry *registryStory
	provider *providerStory
	rewards  *rewardsStory
	channel  *channelStory
}

func newTown(t *testing.T) town {
	t.Helper()
	g := settingUp(t)
	p, r := providerUnder(t, g.world, g.registry), rewardsUnder(t, g.world, g.registry)
	p.terms = r.terms
	announced, err := wrappers.AnnounceTerms(1, r.terms)
	require.NoError(t, err)
	g.announce(announced).requireOK(t)
	direct(g, g.owner, g.fees().Launch, wrappers.Launch{QueryID: 2}).requireOK(t)
	init, err := r.birth.Init()
	require.NoError(t, err)
	r.send(r.owner, chain.Message{To: r.rewards, Amount: ton(1), Init: init}).requireOK(t)
	hash := hashOf(t, r.terms)
	ask(p, p.owner, p.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: hash}).requireOK(t)
	r.refresh(hash).requireOK(t)
	p.stake(ton(100)).requireOK(t)
	try(r, r.owner, ton(501), wrappers.Bond{Amount: coins(ton(500)), Response: wallet("change")}).requireOK(t)
	return town{g, p, r, channelOf(r)}
}

// Once terms are taken nobody needs the registry: with its account gone, everyone is paid and leaves.
func TestLeave_Registry_NobodyNeedsItOnceTermsAreTaken(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	delete(w.registry.accounts, w.registry.registry)
	require.EqualValues(t, tlb.AccountStatusNonExist, w.registry.status(w.registry.registry))

	w.provider.setOperator("operator", ton(1)).requireOK(t)
	w.provider.putWorker("worker", workerRecordOf(1)).requireOK(t)
	post(w.channel, wallet("relay"), ton(1), w.channel.voucher(ton(6))).requireOK(t)
	e, tr := w.rewards.openEpoch([]wrappers.Leaf{{Provider: w.provider.provider, Amount: coins(ton(5))}})
	tr.requireOK(t)
	e.publish()
	e.crank()

	p := alone(w.provider)
	free := p.takeFree()
	require.Equal(t, 1, free.Cmp(ton(4)), "what the epoch paid")
	p.unstakeAll()
	require.Equal(t, 1, p.waitForTheRest().Cmp(ton(99)))
	require.Equal(t, ton(500), w.rewards.leaves())
	post(w.channel, w.channel.birth.Client, ton(1), wrappers.RequestClose{QueryID: 1}).requireOK(t)
	w.channel.advance(closeDelay)
	tr = post(w.channel, wallet("stranger"), ton(1), finishTo("crank")).requireOK(t)
	require.Equal(t, 1, tr.paidTo(t, w.channel.birth.Client).Cmp(minus(t, ton(4), cocoon.NanoOf(10_000_000))))
}

// Whoever asks a registry that is gone has its question back and is no worse off.
func TestLeave_Registry_AskingOneThatIsGoneChangesNothing(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	delete(w.registry.accounts, w.registry.registry)
	provider, rewards := w.provider.state(), w.rewards.state()
	ask(w.provider, w.provider.owner, w.provider.fees().RefreshTerms, wrappers.RefreshTerms{QueryID: 2, Hash: [32]byte{1}}).
		requireOps(t, opRefreshTerms, opRequestTerms, 0xffffffff)
	w.rewards.refresh([32]byte{1}).requireOps(t, opRefreshTerms, opRequestTerms, 0xffffffff)
	require.Equal(t, provider, w.provider.state())
	require.Equal(t, rewards, w.rewards.state())
}

// An owner that has launched and fallen silent leaves changes that anyone may apply, and no way to stop the rest.
func TestLeave_Registry_SilentOwnersLastWordIsAppliedByAnyone(t *testing.T) {
	t.Parallel()
	s := launched(t)
	s.announce(s.model("the last one")).requireOK(t)
	s.advance(registryDelay + 10*365*24*time.Hour)
	s.apply(0).requireOK(t)
	require.Contains(t, s.names(), wrappers.Text("the last one"))
	s.requireBooks()
}
