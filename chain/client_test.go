package chain

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/localnet"
)

func networkOf(t testing.TB, c *localnet.Chain) Network {
	n, err := ParseNetwork(c.GlobalConfig())
	require.NoError(t, err)
	return n
}

func dial(t testing.TB, n Network, o Options) *Client {
	c, err := Dial(t.Context(), n, o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// nobodyAt is a liteserver that refuses connections.
func nobodyAt(t testing.TB) Liteserver {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return Liteserver{l.Addr().String(), testKey(50).Public().(ed25519.PublicKey)}
}

func TestDial_LearnsTheGlobalID(t *testing.T) {
	t.Parallel()
	local := localnet.New(t, func(c *localnet.Config) { c.GlobalID = -77 })
	for _, policy := range []Policy{Secure, Fast} {
		c := dial(t, networkOf(t, local), Options{Policy: policy})
		require.Equal(t, int32(-77), c.Network().GlobalID)
		cfg, err := c.Config(t.Context())
		require.NoError(t, err)
		require.Equal(t, uint32(14), cfg.GlobalVersion)
		fee, err := cfg.GasFee(cfg.Gas.FlatGasLimit)
		require.NoError(t, err)
		require.Equal(t, cocoon.NanoOf(cfg.Gas.FlatGasPrice), fee)
	}
}

func TestDial_RefusesAnotherNetwork(t *testing.T) {
	t.Parallel()
	one, other := localnet.New(t), localnet.New(t, func(c *localnet.Config) { c.Seed = []byte("other") })
	for name, change := range map[string]func(*Network){
		"zero state": func(n *Network) { n.ZeroState = networkOf(t, other).ZeroState },
		"init block": func(n *Network) { n.Trusted.RootHash = bytes.Repeat([]byte{1}, 32) },
		"global id":  func(n *Network) { n.GlobalID = Mainnet },
		"no key block": func(n *Network) {
			n.Trusted = n.ZeroState
		},
		"no liteserver": func(n *Network) { n.Liteservers = nil },
	} {
		n := networkOf(t, one)
		change(&n)
		_, err := Dial(t.Context(), n, Options{})
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err), "%s: %v", name, err)
	}
}

func TestDial_SaysThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	n := networkOf(t, localnet.New(t))
	n.Liteservers = []Liteserver{nobodyAt(t), nobodyAt(t)}
	_, err := Dial(t.Context(), n, Options{})
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
	require.NotEmpty(t, cocoon.HintOf(err))
	require.ErrorContains(t, err, n.Liteservers[1].Addr)
}

func TestClient_FallsBackToTheNextLiteserver(t *testing.T) {
	t.Parallel()
	n := networkOf(t, localnet.New(t))
	n.Liteservers = append([]Liteserver{nobodyAt(t)}, n.Liteservers...)
	_, err := dial(t, n, Options{}).Head(t.Context())
	require.NoError(t, err)
}

func TestClient_FallsBackWhenAnAnswerIsWrong(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]func(question, answer tl.Serializable) tl.Serializable{
		"silence": func(_, _ tl.Serializable) tl.Serializable { return nil },
		"nonsense": func(_, _ tl.Serializable) tl.Serializable {
			return ton.MasterchainInfo{Last: &ton.BlockIDExt{RootHash: make([]byte, 32), FileHash: make([]byte, 32)}, Init: &ton.ZeroStateIDExt{RootHash: make([]byte, 32), FileHash: make([]byte, 32)}, StateRootHash: make([]byte, 32)}
		},
		"refusal": func(_, _ tl.Serializable) tl.Serializable { return ton.LSError{Code: 228, Text: "too much"} },
		"wrong hash": func(_, answer tl.Serializable) tl.Serializable {
			if info, ok := answer.(ton.MasterchainInfo); ok {
				info.Last = info.Last.Copy()
				info.Last.RootHash[3] ^= 1
				return info
			}
			return answer
		},
		"forged signature": func(_, answer tl.Serializable) tl.Serializable {
			proof, ok := answer.(ton.PartialBlockProof)
			for i, step := range proof.Steps {
				link, forward := step.(ton.BlockLinkForward)
				if !forward {
					continue
				}
				set := link.SignatureSet.(ton.SignatureSetOrdinary)
				set.Signatures[0].Signature[0] ^= 1
				link.SignatureSet = set
				proof.Steps[i] = link
			}
			if ok {
				return proof
			}
			return answer
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			local := localnet.New(t)
			n := networkOf(t, local)
			r := newRelay(t, n.Liteservers[0])
			n.Liteservers = []Liteserver{r.self, n.Liteservers[0]}
			c := dial(t, n, Options{Timeout: time.Second})
			require.NoError(t, local.Mine())
			r.lie(tamper)
			var head *BlockID
			require.Eventually(t, func() bool { // a late answer of Dial's may change who is the fastest
				for i, s := range c.servers { // the relay is
					s.health.change(func() { s.health.usual = time.Duration(1+1000*i) * time.Microsecond })
				}
				var err error
				head, err = c.Head(t.Context())
				require.NoError(t, err)
				return r.questions() > 0
			}, 10*time.Second, time.Millisecond)
			require.Eventually(t, func() bool { return c.order(question{})[0] == c.servers[1] }, 10*time.Second, time.Millisecond, "the honest server is asked first from now on")
			if name == "wrong hash" || name == "forged signature" {
				require.Equal(t, Quarantined, c.Status()[0].State)
			}
			require.True(t, head.SeqNo <= local.Head().SeqNo)
		})
	}
}

func TestClient_BelievesNoLie(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	require.NoError(t, local.Faucet(t.Context(), Address(cocoon.Account{5}), big.NewInt(1e9)))
	n := networkOf(t, local)
	r := newRelay(t, n.Liteservers[0])
	n.Liteservers = []Liteserver{r.self}
	c := dial(t, n, Options{})
	head, err := c.Head(t.Context())
	require.NoError(t, err)
	rich := local.FaucetAddress()

	r.lie(func(_, answer tl.Serializable) tl.Serializable {
		if state, ok := answer.(ton.AccountState); ok { // the faucet's account in place of the one asked for
			var other tl.Serializable
			require.NoError(t, r.back.QueryLiteserver(t.Context(), ton.GetAccountState{ID: head, Account: ton.AccountID{ID: rich.Data()}}, &other))
			state.State, state.Proof = other.(ton.AccountState).State, other.(ton.AccountState).Proof
			return state
		}
		return answer
	})
	_, err = c.AccountAt(t.Context(), head, cocoon.Account{5})
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))

	r.lie(func(_, answer tl.Serializable) tl.Serializable {
		if b, ok := answer.(ton.BlockData); ok {
			b.Payload = bytes.Clone(b.Payload)
			b.Payload[len(b.Payload)/2] ^= 1
			return b
		}
		return answer
	})
	_, err = c.BlockData(t.Context(), head)
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))

	r.lie(func(question, answer tl.Serializable) tl.Serializable {
		if _, ok := question.(ton.LookupBlock); ok {
			h := answer.(ton.BlockHeader)
			h.ID = h.ID.Copy()
			h.ID.FileHash[0] ^= 1
			return h
		}
		return answer
	})
	_, err = c.LookupMaster(t.Context(), 1)
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
}

func TestClient_ConnectsAnewAfterALoss(t *testing.T) {
	t.Parallel()
	n := networkOf(t, localnet.New(t))
	r := newRelay(t, n.Liteservers[0])
	n.Liteservers = []Liteserver{r.self}
	c := dial(t, n, Options{})
	r.lie(func(_, _ tl.Serializable) tl.Serializable {
		r.cut() // while the question is under way
		return nil
	})
	_, err := c.Head(t.Context())
	require.ErrorIs(t, err, errLost, "it does not wait for its time to run out")
	r.lie(nil)
	_, err = c.Head(t.Context())
	require.NoError(t, err)
}

func TestClient_StopsWhenItIsTold(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c := dial(t, networkOf(t, local), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.WaitSeqno(ctx, local.Head().SeqNo+1000)
	require.ErrorIs(t, err, context.Canceled)

	c.Close()
	_, err = c.Head(t.Context())
	require.Equal(t, cocoon.Unreachable, cocoon.KindOf(err))
}
