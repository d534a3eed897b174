package sandboxtests

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/wrappers"
)

// The live network's design, as far as a client's money goes: testdata/live models its
// client and proxy contracts with the layouts, numbers and rules of the real ones.

// Operations and errors of the live network.
const (
	liveExcesses      = 0x2565934c
	livePayout        = 0xc59a7cd3
	liveProxyRequest  = 0x65448ff4
	liveTopUp         = 0xf172e6c2
	liveRequestRefund = 0xfafa6cc1
	liveGrantRefund   = 0xefd711e1
	liveIncreaseStake = 0x9713f187
	liveCloseRequest  = 0x636a4391
	liveCloseComplete = 0xe511abc7

	liveErrClosed      = 1006
	liveErrNotOwner    = 1009
	liveErrNotUnlocked = 1011
)

const (
	liveClientDelay = 43_200 * time.Second
	liveProxyDelay  = 86_400 * time.Second
	livePrice       = 20 // nanoTON a token
)

// liveParams are the mainnet's, with the codes that their holder needs.
type liveParams struct {
	StructVersion uint8          `tlb:"## 8"`
	ParamsVersion uint32         `tlb:"## 32"`
	UniqueID      uint32         `tlb:"## 32"`
	IsTest        bool           `tlb:"bool"`
	Price         wrappers.Coins `tlb:"."`
	WorkerFee     wrappers.Coins `tlb:"."`
	Prompt        uint32         `tlb:"## 32"`
	Cached        uint32         `tlb:"## 32"`
	Completion    uint32         `tlb:"## 32"`
	Reasoning     uint32         `tlb:"## 32"`
	ProxyDelay    uint32         `tlb:"## 32"`
	ClientDelay   uint32         `tlb:"## 32"`
	MinProxy      wrappers.Coins `tlb:"."`
	MinClient     wrappers.Coins `tlb:"."`
	ProxyCode     *cell.Cell     `tlb:"maybe ^"`
	WorkerCode    *cell.Cell     `tlb:"maybe ^"`
	ClientCode    *cell.Cell     `tlb:"maybe ^"`
}

func liveParamsWith(client *cell.Cell) *liveParams {
	return &liveParams{StructVersion: 4, ParamsVersion: 17, UniqueID: 239, Price: coins(cocoon.NanoOf(livePrice)), WorkerFee: coins(cocoon.NanoOf(19)),
		Prompt: 10_000, Cached: 1_000, Completion: 80_000, Reasoning: 80_000, ProxyDelay: uint32(liveProxyDelay / time.Second),
		ClientDelay: uint32(liveClientDelay / time.Second), MinProxy: coins(ton(15)), MinClient: coins(ton(15)), ClientCode: client}
}

type liveProxy struct {
	Owner    *address.Address `tlb:"addr"`
	Key      [32]byte         `tlb:"bits 256"`
	Root     *address.Address `tlb:"addr"`
	State    uint8            `tlb:"## 2"`
	Balance  wrappers.Coins   `tlb:"."`
	Stake    wrappers.Coins   `tlb:"."`
	UnlockAt uint32           `tlb:"## 32"`
	Params   *liveParams      `tlb:"^"`
}

type liveClient struct {
	State    uint8          `tlb:"## 2"`
	Balance  wrappers.Coins `tlb:"."`
	Stake    wrappers.Coins `tlb:"."`
	Tokens   uint64         `tlb:"## 64"`
	UnlockAt uint32         `tlb:"## 32"`
	Secret   [32]byte       `tlb:"bits 256"`
	Parties  *liveParties   `tlb:"^"`
	Params   *liveParams    `tlb:"^"`
}

type liveParties struct {
	Owner *address.Address `tlb:"addr"`
	Proxy *address.Address `tlb:"addr"`
	Key   [32]byte         `tlb:"bits 256"`
}

// liveStory is a proxy and one client of it.
type liveStory struct {
	*world
	t                    *testing.T
	operator, user       cocoon.Account
	proxy, client        cocoon.Account
	proxyInit, userBirth *tlb.StateInit
}

func newLive(t *testing.T) *liveStory {
	t.Helper()
	s := &liveStory{world: newWorld(t), t: t, operator: wallet("proxy owner"), user: wallet("user")}
	clientCode := liveCode(t, "client")
	s.proxyInit = &tlb.StateInit{Code: liveCode(t, "proxy"), Data: body(t, liveProxy{Owner: chain.Address(s.operator), Key: publicOf("proxy"),
		Root: chain.Address(wallet("root")), Params: liveParamsWith(clientCode)})}
	var err error
	s.proxy, err = chain.BornAccount(s.proxyInit)
	require.NoError(t, err)
	s.userBirth = &tlb.StateInit{Code: clientCode, Data: body(t, liveClient{Stake: coins(ton(15)), Params: liveParamsWith(nil),
		Parties: &liveParties{Owner: chain.Address(s.user), Proxy: chain.Address(s.proxy), Key: publicOf("proxy")}})}
	s.client, err = chain.BornAccount(s.userBirth)
	require.NoError(t, err)
	s.send(s.operator, chain.Message{To: s.proxy, Amount: ton(1), Init: s.proxyInit}).requireOK(t)
	s.send(s.user, chain.Message{To: s.client, Amount: cocoon.NanoOf(200_000_000), Init: s.userBirth}).requireOK(t)
	return s
}

// deposited is a client whose user has put in so many TON.
func deposited(t *testing.T, amount uint64) *liveStory {
	t.Helper()
	s := newLive(t)
	s.sayCoins(s.user, s.client, plus(t, ton(amount), cocoon.NanoOf(700_000_000)), liveTopUp, ton(amount)).
		requireOK(t).requireOps(t, liveTopUp, liveProxyRequest, liveExcesses)
	require.Equal(t, ton(amount), s.clientState().Balance.Nano)
	require.NotEqual(t, -1, s.balance(s.proxy).Cmp(ton(amount)), "it lies in the proxy's pool")
	return s
}

// liveCode is a model's code, of an artefact that tells its sources.
func liveCode(t *testing.T, name string) *cell.Cell {
	t.Helper()
	const dir = "testdata/live/"
	raw, err := os.ReadFile(dir + "build/" + name + ".json")
	require.NoError(t, err)
	a, err := contracts.Parse(raw)
	require.NoError(t, err)
	for file, want := range a.Sources {
		text, err := os.ReadFile(dir + file)
		require.NoError(t, err)
		sum := sha256.Sum256(text)
		require.Equal(t, want, hex.EncodeToString(sum[:]), "%s has changed: go test ./contracts/toolchain -run TestLive -update", file)
	}
	return a.Code
}

func (s *liveStory) proxyState() (p liveProxy) {
	s.t.Helper()
	p, err := wrappers.Decode[liveProxy](s.data(s.proxy))
	require.NoError(s.t, err)
	return p
}

func (s *liveStory) clientState() (c liveClient) {
	s.t.Helper()
	c, err := wrappers.Decode[liveClient](s.data(s.client))
	require.NoError(s.t, err)
	return c
}

// sayCoins sends op, an amount, and the sender as the one who gets the excesses.
func (s *liveStory) sayCoins(from, to cocoon.Account, value cocoon.Nano, op uint64, amount cocoon.Nano) trace {
	s.t.Helper()
	b := cell.BeginCell().MustStoreUInt(op, 32).MustStoreUInt(7, 64).MustStoreBigCoins(amount.Big()).MustStoreAddr(chain.Address(from)).EndCell()
	return s.send(from, chain.Message{To: to, Amount: value, Bounce: true, Body: b})
}

func (s *liveStory) requestRefund(from cocoon.Account) trace {
	s.t.Helper()
	b := cell.BeginCell().MustStoreUInt(liveRequestRefund, 32).MustStoreUInt(8, 64).MustStoreAddr(chain.Address(wallet("change"))).EndCell()
	return s.send(from, chain.Message{To: s.client, Amount: cocoon.NanoOf(700_000_000), Bounce: true, Body: b})
}

// signed sends what the proxy's key has signed; tokens is nil where the payload has none.
func (s *liveStory) signed(to cocoon.Account, op uint64, tokens *uint64) trace {
	s.t.Helper()
	payload := cell.BeginCell().MustStoreUInt(op, 32).MustStoreUInt(9, 64)
	if tokens != nil {
		payload.MustStoreUInt(*tokens, 64)
	}
	said := payload.MustStoreAddr(chain.Address(to)).EndCell()
	b := cell.BeginCell().MustStoreUInt(op, 32).MustStoreUInt(9, 64).MustStoreAddr(chain.Address(wallet("change"))).
		MustStoreSlice(ed25519.Sign(keyOf("proxy"), said.Hash()), 512).MustStoreRef(said).EndCell()
	return s.send(wallet("anyone"), chain.Message{To: to, Amount: cocoon.NanoOf(700_000_000), Bounce: true, Body: b})
}

// paid is the value of the one payout of tr.
func (s *liveStory) paid(tr trace) cocoon.Nano {
	s.t.Helper()
	n, err := cocoon.NanoFromBig(tr.step(s.t, livePayout).value)
	require.NoError(s.t, err)
	return n
}
