package localnet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tonkeeper/tongo/config"
	"github.com/tonkeeper/tongo/liteapi"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/liteclient"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/ton/wallet"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// coins is n whole coins in nanoTON.
func coins(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(1e9)) }

func account(n byte) *address.Address { return accountID{31: n}.in(0).address().Bounce(false) }

func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// byHand makes no block but by Mine.
func byHand(c *Config) { c.BlockTime = time.Hour }

// wallClock is a wall clock that a test moves.
type wallClock struct {
	mu  sync.Mutex
	now time.Time
}

func newWallClock() *wallClock { return &wallClock{now: time.Unix(1_900_000_000, 0)} }

func (w *wallClock) read() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *wallClock) move(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// connect is an unmodified client that knows the chain's global config only.
func connect(t *testing.T, c *Chain, policy ton.ProofCheckPolicy) *ton.APIClient {
	t.Helper()
	return connectTo(t, c.GlobalConfig(), policy)
}

// connectTo is an unmodified client that knows a global config only.
func connectTo(t *testing.T, config []byte, policy ton.ProofCheckPolicy) *ton.APIClient {
	t.Helper()
	var global liteclient.GlobalConfig
	require.NoError(t, json.Unmarshal(config, &global))
	pool := liteclient.NewConnectionPool()
	t.Cleanup(pool.Stop)
	require.NoError(t, pool.AddConnectionsFromConfig(t.Context(), &global))
	api := ton.NewAPIClient(pool, policy)
	if policy == ton.ProofCheckPolicySecure {
		api.SetTrustedBlockFromConfig(&global)
	}
	return api
}

// lasting keeps a chain open to the end of all tests. tongo's client cannot be
// closed, and one whose server is gone writes to standard output without end,
// also while an example's output is being collected.
type lasting struct{ *testing.T }

func (lasting) Cleanup(func()) {}

func connectTongo(t *testing.T, c *Chain) *liteapi.Client {
	t.Helper()
	return connectTongoTo(t, c.GlobalConfig())
}

func connectTongoTo(t *testing.T, global []byte) *liteapi.Client {
	t.Helper()
	parsed, err := config.ParseConfig(bytes.NewReader(global))
	require.NoError(t, err)
	client, err := liteapi.NewClient(liteapi.WithConfigurationFile(*parsed), liteapi.WithProofPolicy(liteapi.ProofPolicyFast), liteapi.WithMaxConnectionsNumber(1))
	require.NoError(t, err)
	return client
}

var (
	v5       = wallet.ConfigV5R1Final{NetworkGlobalID: DefaultGlobalID}
	versions = map[string]wallet.VersionConfig{"v4r2": wallet.V4R2, "v5r1": v5}
	policies = map[string]ton.ProofCheckPolicy{"unsafe": ton.ProofCheckPolicyUnsafe, "fast": ton.ProofCheckPolicyFast, "secure": ton.ProofCheckPolicySecure}
)

func openWallet(t testing.TB, api wallet.TonAPI, name string, version wallet.VersionConfig) *wallet.Wallet {
	t.Helper()
	w, err := wallet.FromPrivateKey(api, keyOf(name), version)
	require.NoError(t, err)
	return w
}

// rich is a v4r2 wallet that exists from genesis and signs offline.
type rich struct {
	*wallet.Wallet
	seqno uint32
}

func newRich(t testing.TB, name string) *rich {
	t.Helper()
	r := &rich{Wallet: openWallet(t, nil, name, wallet.V4R2)}
	spec := r.GetSpec().(*wallet.SpecV4R2)
	spec.SetSeqnoFetcher(func(context.Context, uint32) (uint32, error) { return r.seqno, nil })
	spec.SetMessagesTTL(1 << 29)
	return r
}

func (r *rich) genesis(t testing.TB) GenesisAccount {
	t.Helper()
	init, err := wallet.GetStateInit(keyOfWallet(r), wallet.V4R2, r.GetSubwalletID())
	require.NoError(t, err)
	return GenesisAccount{Address: r.WalletAddress(), Code: init.Code, Data: init.Data, Nano: coins(1000)}
}

func keyOfWallet(r *rich) ed25519.PublicKey { return publicOf(r.PrivateKey()) }

// send signs an external message that transfers nanoTON to each address.
func (r *rich) send(t testing.TB, nano *big.Int, to ...*address.Address) []byte {
	t.Helper()
	var messages []*wallet.Message
	for _, a := range to {
		messages = append(messages, wallet.SimpleMessageAutoBounce(a, tlb.FromNanoTON(nano), nil))
	}
	external, err := r.PrepareExternalMessageForMany(context.Background(), false, messages)
	require.NoError(t, err)
	c, err := tlb.ToCell(external)
	require.NoError(t, err)
	r.seqno++
	return c.ToBOC()
}

// Small contracts, assembled by hand. Each keeps an address in its data and, on
// any message, sends that address an empty message that does not bounce, with what came in.
const (
	// SETCP0; c4 CTOS; <b 16 6 u, s, 111 zeros b>
	readPeer      = "FF00" + "ED44D0"
	buildMessage  = readPeer + "8010" + finishMessage
	finishMessage = "C8CB05CE806FCF40C9"
	// mode 64
	passOn         = buildMessage + "8040FB00"
	passOnBouncing = readPeer + "8018" + finishMessage + "8040FB00"
	// DUP; mode 160, which deletes the account; then mode 1, for which nothing is left
	deleteAndFail = buildMessage + "208100A0FB0071FB00"
	// mode 160 alone
	deleteSelf = buildMessage + "8100A0FB00"
)

func contract(t testing.TB, at byte, code string, peer *address.Address) GenesisAccount {
	t.Helper()
	raw, err := hex.DecodeString(code)
	require.NoError(t, err)
	c := cell.BeginCell().MustStoreSlice(raw, uint(len(raw)*8)).EndCell()
	return GenesisAccount{Address: account(at), Code: c, Data: cell.BeginCell().MustStoreAddr(peer).EndCell(), Nano: coins(1)}
}

func with(accounts ...GenesisAccount) func(*Config) {
	return func(c *Config) { c.Accounts = append(c.Accounts, accounts...) }
}

func balance(t testing.TB, c *Chain, a *address.Address) *big.Int {
	t.Helper()
	n, err := c.Balance(a)
	require.NoError(t, err)
	return n
}

// shardBlocks are all blocks of a chain whose basechain never split.
func shardBlocks(c *Chain) []*block { return c.view().history[wholeBasechain] }

func lastShard(c *Chain) *block { return c.view().head.tops[0].block }

// all transactions of the basechain, by logical time within a block.
func transactions(t testing.TB, c *Chain) (list []*tlb.Transaction) {
	t.Helper()
	for _, b := range shardBlocks(c) {
		for _, tx := range b.txs {
			var parsed tlb.Transaction
			require.NoError(t, tlb.Parse(&parsed, tx.cell))
			list = append(list, &parsed)
		}
	}
	return list
}
