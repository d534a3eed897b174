package differential

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton/wallet"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

const subwallet = 698983191

// user holds the key of a wallet.
type user struct {
	kind string // v3, v4 or v5
	key  ed25519.PrivateKey
	init *tlb.StateInit
	at   *address.Address
}

var walletVersions = map[string]wallet.VersionConfig{"v3": wallet.V3R2, "v4": wallet.V4R2, "v5": wallet.ConfigV5R1Final{NetworkGlobalID: globalID}}

func newUser(kind string, n int) (*user, error) {
	seed := sha256.Sum256(fmt.Appendf(nil, "differential %s %d", kind, n))
	u := &user{kind: kind, key: ed25519.NewKeyFromSeed(seed[:])}
	id := uint32(subwallet)
	if kind == "v5" {
		id = 0
	}
	var err error
	if u.init, err = wallet.GetStateInit(u.key.Public().(ed25519.PublicKey), walletVersions[kind], id); err != nil {
		return nil, err
	}
	u.at = u.init.CalcAddress(0)
	return u, nil
}

// seqno is what the wallet expects next; a guess where it is not there.
func (u *user) seqno(state *tlb.AccountState) uint32 {
	if state == nil || state.StateInit == nil || state.StateInit.Data == nil {
		return 0
	}
	s := state.StateInit.Data.MustBeginParse()
	if u.kind == "v5" && s.BitsLeft() > 0 {
		s.MustLoadUInt(1)
	}
	if s.BitsLeft() < 32 {
		return 0
	}
	return uint32(s.MustLoadUInt(32))
}

// order is an external message for a user's wallet: mostly one it obeys.
func (w *world) order(u *user) *cell.Cell {
	state := w.lane(u.at).account.State()
	seqno, until, key := u.seqno(state), w.now+uint32(1+w.IntN(600)), u.key
	switch w.IntN(40) {
	case 0:
		seqno += uint32(w.IntN(3)) - 1
	case 1:
		until = w.now - uint32(w.IntN(100))
	case 2:
		key = w.users[w.IntN(len(w.users))].key
	}
	var init *cell.Cell
	if state == nil || state.Status != tlb.AccountStatusActive || w.one(10) {
		init = initCell(u.init)
	}
	return w.fromNowhere(u.at, init, w.signed(u, key, seqno, until))
}

func (w *world) signed(u *user, key ed25519.PrivateKey, seqno, until uint32) *cell.Cell {
	b := cell.BeginCell()
	n := w.IntN(4)
	switch u.kind {
	case "v5":
		list := cell.BeginCell().EndCell()
		for range n {
			list = cell.BeginCell().MustStoreRef(list).MustStoreBuilder(sendAction(w.walletOrder())).EndCell()
		}
		id := wallet.V5R1ID{NetworkGlobalID: globalID}.Serialized()
		b.MustStoreUInt(0x7369676e, 32).MustStoreUInt(uint64(id), 32).MustStoreUInt(uint64(until), 32).MustStoreUInt(uint64(seqno), 32).
			MustStoreMaybeRef(list).MustStoreBoolBit(false)
		return b.MustStoreSlice(ed25519.Sign(key, b.EndCell().Hash()), 512).EndCell()
	case "v4":
		b.MustStoreUInt(subwallet, 32).MustStoreUInt(uint64(until), 32).MustStoreUInt(uint64(seqno), 32).MustStoreUInt(0, 8)
	default:
		b.MustStoreUInt(subwallet, 32).MustStoreUInt(uint64(until), 32).MustStoreUInt(uint64(seqno), 32)
	}
	for range n {
		mode, message := w.walletOrder()
		b.MustStoreUInt(uint64(mode)&0xff, 8).MustStoreRef(message)
	}
	return cell.BeginCell().MustStoreSlice(ed25519.Sign(key, b.EndCell().Hash()), 512).MustStoreBuilder(b).EndCell()
}

// walletOrder is a message to be sent; a v5 wallet wants errors ignored, so most do.
func (w *world) walletOrder() (mode int64, message *cell.Cell) {
	message, mode = w.outgoing(1)
	if !w.one(3) {
		mode = 3
	}
	return mode, message
}
