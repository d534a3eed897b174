package indexer

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"math/big"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/localnet"
	"github.com/cocoon-network/cocoon/wrappers"
)

// world is a market on a local chain: one wallet owns everything, so that every
// message is one call; an indexer follows from outside.
type world struct {
	t        *testing.T
	local    *localnet.Chain
	client   *chain.Client
	wallet   *chain.Wallet
	me       cocoon.Account
	registry cocoon.Account
	terms    wrappers.Terms
	jobTerms wrappers.JobTerms
	provider wrappers.ProviderBirth
	rewards  wrappers.RewardsBirth
	byHand   bool // the chain makes blocks when it is told to only
	salt     uint64
	revision uint64
}

const globalID = localnet.DefaultGlobalID

// Times of the terms, in seconds.
const (
	unbonding = 180
	window    = 20
	expiry    = 300
)

// testKey is the key that belongs to name.
func testKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("key " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

var (
	treasury = cocoon.Account(sha256.Sum256([]byte("treasury")))
	payee    = cocoon.Account(sha256.Sum256([]byte("payee")))
	model    = "Qwen/Qwen3-32B"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// newWorld deploys a registry and publishes its terms.
func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, localnet.New(t))
}

func newWorldOn(t *testing.T, local *localnet.Chain) *world {
	t.Helper()
	return (&world{t: t, local: local}).found()
}

func (w *world) found() *world {
	t := w.t
	t.Helper()
	n, err := chain.ParseNetwork(w.local.GlobalConfig())
	require.NoError(t, err)
	w.client, err = chain.Dial(t.Context(), n, chain.Options{})
	require.NoError(t, err)
	t.Cleanup(w.client.Close)
	w.wallet, err = chain.NewWallet(w.client, testKey("owner"))
	require.NoError(t, err)
	w.me = w.wallet.Account()
	w.fund()
	birth := wrappers.RegistryBirth{Owner: w.me, Delay: 30}
	w.registry = must(birth.Account())
	w.provider = wrappers.ProviderBirth{Registry: w.registry, Owner: w.me}
	w.rewards = wrappers.RewardsBirth{Registry: w.registry, Owner: w.me}
	w.terms = wrappers.Terms{
		Provider: &wrappers.ProviderTerms{MinProvider: wrappers.Coins{Nano: cocoon.TON(5)}, MinGPU: wrappers.Coins{Nano: cocoon.TON(2)}, Unbonding: unbonding, Treasury: treasury},
		Rewards: &wrappers.RewardsTerms{MinBond: wrappers.Coins{Nano: cocoon.TON(20)}, Unbonding: unbonding, HeirAfter: heirAfter, EpochCode: must(wrappers.EpochBirth{}.Init()).Code,
			Epoch: &wrappers.EpochTerms{Publish: 20, Window: window, Expiry: expiry, NetworkBps: 100, Treasury: treasury, Penalty: wrappers.Coins{Nano: cocoon.TON(2)}}}}
	w.jobTerms = wrappers.JobTerms{Registry: w.registry, NetworkBps: 100, Treasury: treasury,
		Codes: wrappers.BirthCodes{List: []wrappers.BirthCode{must(wrappers.ProviderCode())}}}
	w.send(w.registry, cocoon.TON(20), must(birth.Init()), body(must(wrappers.AnnounceTerms(1, w.terms))))
	jobTerms := must(wrappers.Cell(w.jobTerms))
	w.send(w.registry, cocoon.TON(2), nil, body(wrappers.Announce{Kind: wrappers.ChangeJobTerms, Value: jobTerms}))
	w.send(w.registry, cocoon.TON(2), nil, body(must(wrappers.AnnounceModel(2, wrappers.ModelData{MinVRAMMiB: 1000, Name: wrappers.Text(model)}))))
	w.send(w.registry, cocoon.TON(100), nil, body(wrappers.Launch{}))
	return w
}

func (w *world) fund() {
	w.t.Helper()
	done := make(chan error, 1)
	go func() { done <- w.local.Faucet(w.t.Context(), chain.Address(w.me), cocoon.TON(2000).Big()) }()
	for w.byHand && len(done) == 0 {
		require.NoError(w.t, w.local.Mine())
	}
	require.NoError(w.t, <-done)
}

// send sends a message, or coins where body is nil.
func (w *world) send(to cocoon.Account, value cocoon.Nano, init *tlb.StateInit, body *cell.Cell) {
	w.t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := w.wallet.Send(w.t.Context(), chain.Message{To: to, Amount: value, Init: init, Bounce: body != nil, Body: body})
		done <- err
	}()
	for w.byHand && len(done) == 0 {
		require.NoError(w.t, w.local.Mine())
	}
	err := <-done
	require.NoError(w.t, err)
}

// body encodes a message.
func body[T any](v T) *cell.Cell { return must(wrappers.Cell(v)) }

// advance lets time pass on the chain.
func (w *world) advance(seconds int) {
	w.t.Helper()
	require.NoError(w.t, w.local.Advance(time.Duration(seconds)*time.Second))
}

// now is the chain's time.
func (w *world) now() uint32 { return uint32(w.local.Now().Unix()) }

// open opens an indexer in a new folder; it follows nothing yet.
func (w *world) open(path string) *Indexer {
	w.t.Helper()
	x, err := Open(w.t.Context(), w.config(path))
	require.NoError(w.t, err)
	w.t.Cleanup(func() { x.Close() })
	return x
}

func (w *world) config(path string) Config { return configAt(path, w.registry, w.client) }

// configAt is for a database file, or for the address of a PostgreSQL database.
func configAt(path string, registry cocoon.Account, c Chain) Config {
	cfg := Config{Path: path, GlobalID: globalID, Registry: registry, Chain: c}
	if onPostgres(path) {
		cfg.Path, cfg.DSN = "", path
	}
	return cfg
}

// newPath is where a new database may be: a file, or within TestConformance_PostgreSQL one on a server.
func newPath(t *testing.T) string {
	t.Helper()
	if strings.HasPrefix(t.Name(), "TestConformance_PostgreSQL/") {
		return newPostgresDatabase(t)
	}
	return filepath.Join(t.TempDir(), "index.db")
}

// journal is a log that is read while others write to it.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// follow reads up to the newest block.
func (w *world) follow(x *Indexer) {
	w.t.Helper()
	head, err := w.client.Head(w.t.Context())
	require.NoError(w.t, err)
	for x.Head().Seqno < head.SeqNo {
		require.NoError(w.t, x.step(w.t.Context()))
	}
}

// settle makes blocks until no message is on its way any more.
func (w *world) settle() {
	w.t.Helper()
	for range 4 {
		require.NoError(w.t, w.local.Mine())
	}
}

// runs starts Run and returns how to stop it.
func runs(t *testing.T, x *Indexer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	return func() {
		cancel(errors.New("stopped by the test"))
		require.NoError(t, <-done)
	}
}

// stakeProvider deploys the provider with terms, stake, operator and free balance.
func (w *world) stakeProvider() cocoon.Account {
	w.t.Helper()
	a, init := must(w.provider.Account()), must(w.provider.Init())
	w.send(a, cocoon.TON(30), init, body(wrappers.RefreshTerms{Hash: must(w.terms.Hash())}))
	w.send(a, cocoon.TON(20), nil, body(wrappers.Stake{Amount: wrappers.Coins{Nano: cocoon.TON(15)}, Response: w.me}))
	w.send(a, cocoon.TON(10), nil, nil)
	possession := must(wrappers.ProvePossession(testKey("operator"), globalID, a))
	w.send(a, cocoon.TON(1), nil, body(wrappers.SetOperator{Key: wrappers.PublicKey(testKey("operator")), Allowance: wrappers.Coins{Nano: cocoon.TON(8)}, Possession: &possession}))
	return a
}

func price(n uint64) cocoon.Price {
	return cocoon.Price{Prompt: cocoon.NanoOf(n), Cached: cocoon.NanoOf(n), Completion: cocoon.NanoOf(2 * n), Reasoning: cocoon.NanoOf(2 * n)}
}

// putWorker registers a worker with so many GPUs.
func (w *world) putWorker(a cocoon.Account, name string, gpus uint16) {
	w.t.Helper()
	w.revision++
	record := must(wrappers.WorkerRecord{GPU: "NVIDIA H100", Region: "eu-west", GPUs: gpus, VRAMMiB: 80_000, UptimeBps: 9_900, Concurrency: 4,
		Models: []wrappers.ModelOffer{{Model: cocoon.NewModelID(model), Price: price(1_000_000)}}}.Cell())
	possession := must(wrappers.ProvePossession(testKey(name), globalID, a))
	order := wrappers.PutWorkerOrder{GlobalID: globalID, Contract: a, Revision: w.revision, Worker: wrappers.PublicKey(testKey(name)), Possession: &possession, Record: record}
	w.send(a, cocoon.TON(1), nil, body(must(order.Sign(testKey("operator"), 7, w.me))))
}

func (w *world) retireWorker(a cocoon.Account, name string) {
	w.t.Helper()
	w.revision++
	order := wrappers.RetireWorkerOrder{GlobalID: globalID, Contract: a, Revision: w.revision, Worker: wrappers.PublicKey(testKey(name))}
	w.send(a, cocoon.TON(1), nil, body(must(order.Sign(testKey("operator"), 8, w.me))))
}

// offer is a new job of 2 TON.
func (w *world) offer() wrappers.JobOffer {
	w.salt++
	caps := wrappers.PricesOf(price(2_000_000))
	return wrappers.JobOffer{Client: w.me, Dispatcher: payee, DispatcherBps: 500, Salt: w.salt, Terms: &w.jobTerms,
		Work:  &wrappers.JobWork{Model: cocoon.NewModelID(model), PayloadHash: sha256.Sum256([]byte("payload")), Caps: &caps},
		Money: &wrappers.JobMoney{Budget: wrappers.Coins{Nano: cocoon.TON(2)}, MinBond: wrappers.Coins{Nano: cocoon.TON(1)}, AcceptBy: w.now() + 600, Work: 60, Review: 30}}
}

func (w *world) openJob(o wrappers.JobOffer) cocoon.Account {
	w.t.Helper()
	a := must(o.Account())
	w.send(a, cocoon.TON(3), must(o.Init()), body(wrappers.OpenJob{QueryID: 9}))
	return a
}

func (w *world) accept(provider, job cocoon.Account) {
	w.t.Helper()
	order := wrappers.AcceptJobOrder{GlobalID: globalID, Contract: provider, Job: job, Worker: wrappers.PublicKey(testKey("w1")),
		Bond: wrappers.Coins{Nano: cocoon.TON(1)}, ValidUntil: w.now() + 60}
	w.send(provider, cocoon.TON(1), nil, body(must(order.Sign(testKey("operator"), 10, w.me))))
}

func (w *world) deliver(job cocoon.Account, name string) {
	w.t.Helper()
	d := wrappers.Delivery{GlobalID: globalID, Contract: job, ResultHash: sha256.Sum256([]byte("result")), Amount: wrappers.Coins{Nano: cocoon.TON(1)}, Prompt: 100, Completion: 200}
	w.send(job, cocoon.TON(1), nil, body(must(d.Sign(testKey(name), 11, w.me))))
}

// openEpoch bonds, funds and opens an epoch of these leaves.
func (w *world) openEpoch(leaves []wrappers.Leaf) (rewards, epoch cocoon.Account, tree *wrappers.EpochTree) {
	w.t.Helper()
	tree = must(wrappers.NewEpochTree(leaves))
	rewards = must(w.rewards.Account())
	w.send(rewards, cocoon.TON(5), must(w.rewards.Init()), body(wrappers.RefreshTerms{Hash: must(w.terms.Hash())}))
	w.send(rewards, cocoon.TON(22), nil, body(wrappers.Bond{Amount: wrappers.Coins{Nano: cocoon.TON(21)}, Response: w.me}))
	w.send(rewards, cocoon.TON(12), nil, body(wrappers.Fund{Amount: wrappers.Coins{Nano: cocoon.TON(10)}, Response: w.me}))
	w.send(rewards, cocoon.TON(5), nil, body(wrappers.OpenEpoch{Root: tree.Root(), Total: wrappers.Coins{Nano: tree.Total()}, Count: uint32(tree.Len())}))
	return rewards, must(wrappers.EpochBirth{Rewards: rewards, Number: 1}.Account()), tree
}

// leaves for providers that do not exist, in ascending order.
func leaves(n int) []wrappers.Leaf {
	list := make([]wrappers.Leaf, n)
	for i := range list {
		list[i] = wrappers.Leaf{Provider: accountOf(uint64(i) + 1), Amount: wrappers.Coins{Nano: cocoon.NanoOf(100_000_000 + uint64(i))}, Requests: 3, Tokens: 400, UptimeBps: 9_999, P50Ms: 120}
	}
	return list
}

func accountOf(n uint64) (a cocoon.Account) {
	new(big.Int).SetUint64(n).FillBytes(a[:])
	return a
}

// foreseen is a projector that o alone is for.
func foreseen(ctx context.Context, tx bun.Tx, o occurrence) (projector, error) {
	p := newProjector(tx)
	return p, p.foresee(ctx, []occurrence{o})
}
