package wrappers

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/cocoon-network/cocoon"
)

// signed are the layouts with a tag that are no messages.
func (m *maker) signed() (all []signedVector) {
	m.size = some
	for _, d := range m.all {
		if _, ok := d.Op(); !ok || strings.HasSuffix(d.Of, tsOptions.Messages) {
			continue
		}
		m.about("signed " + d.Name)
		l := m.layout(d)
		seed := sha256.Sum256([]byte(d.Name))
		key := ed25519.NewKeyFromSeed(seed[:])
		hash, err := hex.DecodeString(l.Hash)
		require.NoError(m, err)
		all = append(all, signedVector{l, hex.EncodeToString(seed[:]), fmt.Sprintf("%x", PublicKey(key)), hex.EncodeToString(ed25519.Sign(key, hash))})
	}
	return all
}

// births are two addresses of each contract.
func (m *maker) births() (all []birthVector) {
	for _, m.size = range []size{some, most} {
		for _, kind := range []Kind{KindRegistry, KindProvider, KindJob, KindRewards, KindEpoch, KindChannel} {
			x, birth := m.birth(kind)
			account, err := birth.Account()
			require.NoError(m, err)
			all = append(all, birthVector{kind, x, hex.EncodeToString(account[:])})
		}
	}
	return all
}

// birth is what an address of that kind follows from, as fields and as their struct.
func (m *maker) birth(kind Kind) (record, interface {
	Account() (cocoon.Account, error)
}) {
	name := map[Kind]string{KindJob: "job_offer", KindChannel: "channel_terms"}[kind]
	if name == "" {
		name = string(kind) + "_birth"
	}
	m.about("birth " + name)
	d := m.all[m.place[name]]
	x := m.record(d)
	v := reflect.New(reflect.TypeOf(layouts[m.place[name]])).Elem()
	m.fill(v, d, x)
	if terms, ok := v.Interface().(ChannelTerms); ok { // the only birth that is not one layout
		rewards := m.bytes(256)
		x.values["rewards"] = rewards
		return x, ChannelBirth{terms.Client, terms.ClientKey, cocoon.Account(rewards), terms.DispatcherKey, terms.CloseDelay, terms.Salt}
	}
	return x, v.Interface().(interface {
		Account() (cocoon.Account, error)
	})
}

// trees are of as many leaves as give every kind of label and of edge.
func (m *maker) trees() (all []treeVector) {
	m.size = some
	d := m.all[m.place["leaf"]]
	m.about("trees")
	for _, n := range []int{1, 2, 70, 257} {
		v, leaves := treeVector{}, leavesFor(n)
		for i := range leaves {
			x := m.record(d)
			x.values["provider"], x.values["amount"] = octets(leaves[i].Provider[:]), integer{leaves[i].Amount.Big()}
			m.fill(reflect.ValueOf(&leaves[i]).Elem(), d, x)
			v.Leaves = append(v.Leaves, x)
		}
		tree, err := NewEpochTree(leaves)
		require.NoError(m, err)
		v.Root, v.Total = fmt.Sprintf("%x", tree.Root()), integer{tree.Total().Big()}
		for _, page := range [][2]int{{0, 1}, {n - 1, 1}, {0, n}, {n / 3, (n + 1) / 2}} {
			proof, err := tree.Proof(page[0], page[1])
			require.NoError(m, err)
			v.Pages = append(v.Pages, pageVector{page[0], page[1], hex.EncodeToString(proof.Hash()), proof.ToBOC()})
		}
		all = append(all, v)
	}
	return all
}
