package chain

import (
	"context"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tl"
	"github.com/xssnick/tonutils-go/ton"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/localnet"
)

// crowd is a chain with shards whose accounts lie by chance, or next to each other.
func crowd(t testing.TB, seed uint64, shards int) *localnet.Chain {
	random := rand.New(rand.NewPCG(1, seed))
	return localnet.New(t, func(c *localnet.Config) {
		c.Manual, c.Shards = true, shards
		for n := range random.IntN(120) {
			a := cocoon.Account{byte(n)}
			if n%3 > 0 {
				for i := range a {
					a[i] = byte(random.Uint32())
				}
			}
			if n%3 == 1 { // a neighbour that only the last bits tell apart
				near := a
				near[31] ^= 1 << random.IntN(8)
				c.Accounts = append(c.Accounts, localnet.GenesisAccount{Address: Address(near), Nano: big.NewInt(1e9)})
			}
			c.Accounts = append(c.Accounts, localnet.GenesisAccount{Address: Address(a), Nano: big.NewInt(1e9)})
		}
	})
}

func TestBranch_LeadsToEveryAccountOnce(t *testing.T) {
	t.Parallel()
	for seed, shards := range []int{1, 1, 2, 4, 16} {
		local := crowd(t, uint64(seed), shards)
		require.NoError(t, local.Mine())
		c := dial(t, networkOf(t, local), Options{})
		head, err := c.Head(t.Context())
		require.NoError(t, err)
		want := map[cocoon.Account]*big.Int{}
		local.Accounts(func(a *address.Address, balance *big.Int) bool {
			if a.Workchain() == 0 {
				want[cocoon.Account(a.Data())] = balance
			}
			return true
		})
		tops, err := c.ShardTops(t.Context(), head)
		require.NoError(t, err)
		var open []Prefix
		for _, top := range tops {
			open = append(open, PrefixOf(top))
		}
		asked, seen := 0, map[cocoon.Account]*big.Int{}
		for ; len(open) > 0; asked++ {
			p := open[0]
			b, err := c.Branch(t.Context(), head, p)
			require.NoError(t, err)
			open = append(open[1:], b.Open...)
			switch {
			case b.Account != nil:
				require.Nil(t, seen[b.Account.ID], "seen twice")
				seen[b.Account.ID] = b.Account.Balance.Big()
				require.Equal(t, b.Leaf.LastLT, b.Account.LastLT)
			case b.Leaf != nil:
				require.True(t, p.Contains(b.Leaf.Account))
				open = append(open, Prefix{b.Leaf.Account, addressBits})
			}
		}
		require.Equal(t, want, seen)
		require.LessOrEqual(t, asked, 3*len(want)+len(tops), "each shows a node of the tree, or an account of which the place is known")
	}
}

func TestBranch_RefusesWhatIsNoPrefix(t *testing.T) {
	t.Parallel()
	local := localnet.New(t)
	c := dial(t, networkOf(t, local), Options{})
	for _, n := range []int{-1, addressBits + 1} {
		_, err := c.Branch(t.Context(), local.Head(), Prefix{Len: n})
		require.Equal(t, cocoon.Invalid, cocoon.KindOf(err))
	}
	_, err := c.Branch(t.Context(), nil, Prefix{})
	require.ErrorIs(t, err, errNoBlock)
}

func TestPrefix_HeadsForAnAddressWithin(t *testing.T) {
	t.Parallel()
	p := PrefixOf(&BlockID{Shard: -0x5000000000000000}) // 1011, and the bit that ends it
	require.Equal(t, Prefix{cocoon.Account{0xa0}, 3}, p)
	to := p.Toward(cocoon.Account{0x5f, 7})
	require.Equal(t, Prefix{cocoon.Account{0xbf, 7}, 3}, to)
	require.True(t, p.Contains(to.From))
	require.False(t, p.Contains(cocoon.Account{0x80}))
	require.Equal(t, Prefix{}, PrefixOf(&BlockID{Shard: -0x8000000000000000}))
}

func TestMasterAfter_IsTheFirstThatEndsThen(t *testing.T) {
	t.Parallel()
	local := localnet.New(t, func(c *localnet.Config) { c.Manual = true })
	for range 6 {
		require.NoError(t, local.Mine())
	}
	c := dial(t, networkOf(t, local), Options{})
	for seqno := uint32(2); seqno <= 6; seqno++ {
		id, err := c.LookupMaster(t.Context(), seqno)
		require.NoError(t, err)
		b, err := c.Block(t.Context(), id)
		require.NoError(t, err)
		end, before := b.BlockInfo.EndLt, b.BlockInfo.PrevRef.Prev1.EndLt
		for lt, want := range map[uint64]uint32{end: seqno, before + 1: seqno, before: seqno - 1} {
			found, err := c.MasterAfter(t.Context(), lt)
			require.NoError(t, err)
			require.Equal(t, want, found.SeqNo)
		}
	}
	_, err := c.MasterAfter(t.Context(), 1<<62)
	require.Equal(t, cocoon.NotFound, cocoon.KindOf(err))
	lying, err := local.Serve(localnet.Faults{Lie: localnet.LieLookup})
	require.NoError(t, err)
	n, err := ParseNetwork(lying.Config())
	require.NoError(t, err)
	head, err := c.Block(t.Context(), local.Head())
	require.NoError(t, err)
	liar := dial(t, n, Options{})
	_, err = liar.MasterAfter(t.Context(), head.BlockInfo.EndLt)
	require.ErrorIs(t, err, errNotFirst)
}

// answered is what a liteserver says, taken down on its way.
func answered(t testing.TB, c *Client, master *BlockID, a cocoon.Account) (said ton.AccountState) {
	require.NoError(t, c.AccountProof(t.Context(), master, a, func(s ton.AccountState) error {
		said = s
		return nil
	}))
	return said
}

func FuzzBranchOf(f *testing.F) {
	local := crowd(f, 1, 2)
	require.NoError(f, local.Mine())
	c := dial(f, networkOf(f, local), Options{})
	head, err := c.Head(f.Context())
	require.NoError(f, err)
	a := cocoon.Account{0}
	said := answered(f, c, head, a)
	f.Add(cell.ToBOCWithOptions(said.Proof, cell.BOCSerializeOptions{}), said.State.ToBOC(), 1)
	f.Add(cell.ToBOCWithOptions(said.Proof, cell.BOCSerializeOptions{}), emptyCell().ToBOC(), 256)
	f.Add(emptyCell().ToBOC(), emptyCell().ToBOC(), 0)
	f.Fuzz(func(t *testing.T, proof, state []byte, bits int) {
		roots, err := cell.FromBOCMultiRoot(proof)
		if err != nil {
			return
		}
		whole, err := cell.FromBOC(state)
		if err != nil || bits < 0 || bits > addressBits {
			return
		}
		lie := said
		lie.Proof, lie.State = roots, whole
		b, err := branchOf(head, Prefix{a, bits}, lie)
		if err != nil {
			return
		}
		for _, p := range b.Open {
			require.Greater(t, p.Len, bits)
			require.True(t, Prefix{a, bits}.Contains(p.From))
		}
	})
}

func FuzzFirstAfter(f *testing.F) {
	local := localnet.New(f)
	c := dial(f, networkOf(f, local), Options{})
	head, err := c.Head(f.Context())
	require.NoError(f, err)
	_, err = c.servers[0].ask(f.Context(), time.Minute, func(ctx context.Context, api *ton.APIClient) error {
		var answer tl.Serializable
		if err := api.Client().QueryLiteserver(ctx, ton.GetBlockHeader{ID: head}, &answer); err != nil {
			return err
		}
		f.Add(answer.(ton.BlockHeader).HeaderProof, uint64(1))
		return nil
	})
	require.NoError(f, err)
	f.Add([]byte{}, uint64(0))
	f.Fuzz(func(t *testing.T, proof []byte, lt uint64) {
		if firstAfter(ton.BlockHeader{ID: head, HeaderProof: proof}, lt) == nil {
			require.NotZero(t, lt)
		}
	})
}
