package chain

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/ton/wallet"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// maxMessages is how many messages a v5 wallet sends at once.
const maxMessages = 255

const (
	opExternal  = 0x7369676e // the wallet's request signed outside the chain
	opUnsigned  = 0x436f636e // of our own container, seen by no contract
	opSend      = 0x0ec3c86d // one action of a list of them
	feesApart   = 1          // fees come from the wallet, so that the value arrives whole
	skipFailing = 2          // v5 demands it of external requests: what cannot be sent is left out
)

// WalletAccount is the address of the v5r1 wallet of that key on the network
// with that global id. It is the same before and after the wallet is deployed.
func WalletAccount(key ed25519.PublicKey, globalID int32) (cocoon.Account, error) {
	init, err := walletInit(key, globalID)
	if err != nil {
		return cocoon.Account{}, err
	}
	return BornAccount(init)
}

func walletInit(key ed25519.PublicKey, globalID int32) (*tlb.StateInit, error) {
	if len(key) != ed25519.PublicKeySize {
		return nil, cocoon.Invalid.Errorf("a public key has %d bytes, not %d", ed25519.PublicKeySize, len(key))
	}
	init, err := wallet.GetStateInit(key, wallet.ConfigV5R1Final{NetworkGlobalID: globalID}, 0)
	if err != nil {
		return nil, fmt.Errorf("wallet: %w", err)
	}
	return init, nil
}

// Unsigned is a wallet's request that lacks only the signature of its key over Hash.
type Unsigned struct {
	Key        ed25519.PublicKey
	GlobalID   int32
	Seqno      uint32
	ValidUntil time.Time // chain time, whole seconds
	Deploy     bool      // the request brings the wallet's code along

	// nonce tells two requests with the same messages, seqno and second apart. It
	// travels where the first message has its lt, which the chain sets itself.
	nonce   uint64
	actions *cell.Cell
}

func newUnsigned(u Unsigned, messages []Message) (Unsigned, error) {
	if len(messages) == 0 || len(messages) > maxMessages {
		return Unsigned{}, cocoon.Invalid.Errorf("a wallet sends 1 to %d messages at once, not %d", maxMessages, len(messages))
	}
	if until := u.ValidUntil.Unix(); until < 0 || until > math.MaxUint32 {
		return Unsigned{}, cocoon.Invalid.Errorf("a request cannot be valid until %s", u.ValidUntil)
	}
	packed := make([]*wallet.Message, len(messages))
	for i, m := range messages {
		packed[i] = &wallet.Message{Mode: feesApart | skipFailing, InternalMessage: m.Internal()}
	}
	packed[0].InternalMessage.CreatedLT = u.nonce
	actions, err := wallet.PackV5OutActions(packed)
	if err != nil {
		return Unsigned{}, cocoon.Invalid.Errorf("messages: %w", err)
	}
	u.actions = actions.EndCell()
	return u, nil
}

// Account is the wallet's address.
func (u Unsigned) Account() (cocoon.Account, error) { return WalletAccount(u.Key, u.GlobalID) }

func (u Unsigned) payload() *cell.Builder {
	id := wallet.V5R1ID{NetworkGlobalID: u.GlobalID}
	return cell.BeginCell().MustStoreUInt(opExternal, 32).MustStoreUInt(uint64(id.Serialized()), 32).
		MustStoreUInt(uint64(u.ValidUntil.Unix()), 32).MustStoreUInt(uint64(u.Seqno), 32).MustStoreBuilder(u.actions.ToBuilder())
}

// Hash is what the key has to sign.
func (u Unsigned) Hash() [32]byte { return [32]byte(u.payload().EndCell().Hash()) }

// Combine makes the external message to Broadcast; a signature that is not the
// key's is refused.
func (u Unsigned) Combine(signature []byte) (*cell.Cell, error) {
	hash := u.Hash()
	if len(signature) != ed25519.SignatureSize || !ed25519.Verify(u.Key, hash[:], signature) {
		return nil, cocoon.Forbidden.Errorf("the signature is not that of the wallet's key over the request")
	}
	init, err := walletInit(u.Key, u.GlobalID)
	if err != nil {
		return nil, err
	}
	account, err := BornAccount(init)
	if err != nil {
		return nil, err
	}
	message := &tlb.ExternalMessage{DstAddr: Address(account), Body: u.payload().MustStoreSlice(signature, 512).EndCell()}
	if u.Deploy {
		message.StateInit = init
	}
	return tlb.ToCell(message)
}

// BoC is the request as bytes, to be carried to where the key is.
func (u Unsigned) BoC() []byte { return u.cell().ToBOC() }

func (u Unsigned) cell() *cell.Cell {
	return cell.BeginCell().MustStoreUInt(opUnsigned, 32).MustStoreSlice(u.Key, 256).MustStoreInt(int64(u.GlobalID), 32).
		MustStoreUInt(uint64(u.Seqno), 32).MustStoreUInt(uint64(u.ValidUntil.Unix()), 32).MustStoreBoolBit(u.Deploy).
		MustStoreRef(u.actions).EndCell()
}

// ParseUnsigned reads what BoC wrote.
func ParseUnsigned(boc []byte) (Unsigned, error) {
	root, err := cell.FromBOC(boc)
	if err != nil {
		return Unsigned{}, cocoon.Invalid.Errorf("not a bag of cells: %w", err)
	}
	var raw struct {
		_          tlb.Magic  `tlb:"#436f636e"`
		Key        []byte     `tlb:"bits 256"`
		GlobalID   int32      `tlb:"## 32"`
		Seqno      uint32     `tlb:"## 32"`
		ValidUntil uint32     `tlb:"## 32"`
		Deploy     bool       `tlb:"bool"`
		Actions    *cell.Cell `tlb:"^"`
	}
	if err = tlb.Parse(&raw, root); err != nil {
		return Unsigned{}, cocoon.Invalid.Errorf("not an unsigned request of a wallet: %w", err)
	}
	u := Unsigned{Key: raw.Key, GlobalID: raw.GlobalID, Seqno: raw.Seqno, ValidUntil: time.Unix(int64(raw.ValidUntil), 0), Deploy: raw.Deploy, actions: raw.Actions}
	list, err := u.list()
	if err != nil {
		return Unsigned{}, cocoon.Invalid.Errorf("messages of the request: %w", err)
	}
	if len(list) > 0 {
		u.nonce = list[0].CreatedLT
	}
	messages, err := u.Messages()
	if err != nil {
		return Unsigned{}, cocoon.Invalid.Errorf("messages of the request: %w", err)
	}
	// what is not the one encoding of what we show is not to be signed
	if again, err := newUnsigned(u, messages); err != nil || !bytes.Equal(again.cell().Hash(), root.Hash()) {
		return Unsigned{}, cocoon.Invalid.Errorf("the request holds more than messages")
	}
	return u, nil
}

// Messages are what the wallet will send, for whoever has the key to look at.
func (u Unsigned) Messages() ([]Message, error) {
	list, err := u.list()
	if err != nil {
		return nil, err
	}
	messages := make([]Message, len(list))
	for i, m := range list {
		to, err := AccountOf(m.DstAddr)
		if err != nil {
			return nil, err
		}
		amount, err := cocoon.NanoFromBig(m.Amount.Nano())
		if err != nil {
			return nil, err
		}
		messages[i] = Message{To: to, Amount: amount, Bounce: m.Bounce, Init: m.StateInit, Body: m.Body}
	}
	return messages, nil
}

// list is the messages as the chain carries them. The last is outermost.
func (u Unsigned) list() ([]*tlb.InternalMessage, error) {
	slice, err := u.actions.BeginParse()
	if err != nil {
		return nil, err
	}
	if _, err = slice.LoadUInt(1); err != nil {
		return nil, err
	}
	rest, err := slice.LoadRefCell()
	if err != nil {
		return nil, err
	}
	var found []*tlb.InternalMessage
	for rest.BitsSize() > 0 {
		var action struct {
			Rest *cell.Cell           `tlb:"^"`
			Op   uint32               `tlb:"## 32"`
			Mode uint8                `tlb:"## 8"`
			Out  *tlb.InternalMessage `tlb:"^"`
		}
		if err := tlb.Parse(&action, rest); err != nil {
			return nil, err
		}
		if action.Op != opSend || action.Mode != feesApart|skipFailing {
			return nil, fmt.Errorf("action %08x with mode %d", action.Op, action.Mode)
		}
		if found, rest = append(found, action.Out), action.Rest; len(found) > maxMessages {
			return nil, fmt.Errorf("more than %d", maxMessages)
		}
	}
	slices.Reverse(found)
	return found, nil
}
