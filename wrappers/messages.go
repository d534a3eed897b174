package wrappers

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// Kind names a contract, as its artefact and its source do.
type Kind string

// The contracts.
const (
	KindRegistry Kind = "registry"
	KindProvider Kind = "provider"
	KindJob      Kind = "job"
	KindRewards  Kind = "rewards"
	KindEpoch    Kind = "epoch"
	KindChannel  Kind = "channel"
)

// layout is how one message is named and read.
type layout struct {
	op     uint32
	name   string
	decode func(*cell.Cell) (any, error)
}

// message is the layout of T, named as in the schema.
func message[T any](name string) layout {
	return layout{tagOf(reflect.TypeFor[T]()), name, func(c *cell.Cell) (any, error) { return Decode[T](c) }}
}

// tagOf is the tag in the first field's tlb.Magic; a type without one is a mistake in this package.
func tagOf(t reflect.Type) uint32 {
	if f := t.Field(0); f.Type == reflect.TypeFor[tlb.Magic]() {
		if tag, err := strconv.ParseUint(strings.TrimPrefix(f.Tag.Get("tlb"), "#"), 16, 32); err == nil {
			return uint32(tag)
		}
	}
	panic(fmt.Sprintf("%s has no tag", t))
}

// messages are what each contract accepts.
var messages = map[Kind][]layout{
	KindRegistry: registryMessages,
	KindProvider: providerMessages,
	KindJob:      jobMessages,
	KindRewards:  rewardsMessages,
	KindEpoch:    epochMessages,
	KindChannel:  channelMessages,
}

// DecodeMessage reads the body of a message to a contract of this kind: the
// operation's name in the schema and its typed value. An empty body is a plain
// transfer, "" and nil. An operation the contract does not know is NotFound.
func DecodeMessage(kind Kind, body *cell.Cell) (name string, v any, err error) {
	if body == nil || body.BitsSize() == 0 {
		return "", nil, nil
	}
	s, err := body.BeginParse()
	if err != nil {
		return "", nil, cocoon.Invalid.Errorf("read message to %s: %w", kind, err)
	}
	op, err := s.LoadUInt(32)
	if err != nil {
		return "", nil, cocoon.Invalid.Errorf("read operation to %s: %w", kind, err)
	}
	for _, l := range messages[kind] {
		if uint64(l.op) == op {
			v, err = l.decode(body)
			return l.name, v, err
		}
	}
	return "", nil, cocoon.NotFound.Errorf("%s knows no operation %#08x", kind, op)
}

// Excesses gives a sender what is left of the value it attached.
type Excesses struct {
	_       tlb.Magic `tlb:"#d53276db"`
	QueryID uint64    `tlb:"## 64"`
}

// Payout carries money that a rule pays to a wallet.
type Payout struct {
	_       tlb.Magic `tlb:"#e4151c96"`
	QueryID uint64    `tlb:"## 64"`
}

// OperationName is the schema's name of the operation that body begins with,
// whichever contract takes it: "payout" for money to a wallet, "" for a plain
// transfer and for what no contract of ours knows.
func OperationName(body *cell.Cell) string {
	if body == nil || body.BitsSize() < 32 {
		return ""
	}
	s, err := body.BeginParse()
	if err != nil {
		return ""
	}
	op, err := s.LoadUInt(32)
	if err != nil {
		return ""
	}
	for _, layouts := range [][]layout{walletMessages, registryMessages, providerMessages, jobMessages, rewardsMessages, epochMessages, channelMessages} {
		for _, l := range layouts {
			if uint64(l.op) == op {
				return l.name
			}
		}
	}
	return ""
}

// walletMessages are what our contracts send to wallets.
var walletMessages = []layout{message[Excesses]("excesses"), message[Payout]("payout")}
