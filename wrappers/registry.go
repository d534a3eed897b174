package wrappers

import (
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// registryMessages are the operations of the registry contract, in schema order.
var registryMessages = []layout{
	message[Announce]("announce"),
	message[Apply]("apply"),
	message[Retract]("retract"),
	message[Launch]("launch"),
	message[TakeOwnership]("take_ownership"),
	message[Suspend]("suspend"),
	message[RequestTerms]("request_terms"),
}

// ChangeKind is what a change is about.
type ChangeKind uint8

// The kinds of change.
const (
	ChangeTerms ChangeKind = iota
	ChangeJobTerms
	ChangeModel
	ChangeImage
	ChangeCode
	ChangeGuardian
	ChangeOwner
)

// Announce makes a change, at once before launch, after the registry's delay
// from then on. The owner sends it. A nil Value removes.
type Announce struct {
	_       tlb.Magic  `tlb:"#0ec2e9eb"`
	QueryID uint64     `tlb:"## 64"`
	Kind    ChangeKind `tlb:"## 8"`
	Key     [32]byte   `tlb:"bits 256"` // of the model, image or code; the new account; else zero
	Value   *cell.Cell `tlb:"maybe ^"`
}

// Apply puts a change into force whose delay is over. Anyone may send it.
type Apply struct {
	_       tlb.Magic `tlb:"#3926cb74"`
	QueryID uint64    `tlb:"## 64"`
	Change  uint32    `tlb:"## 32"`
}

// Retract takes back a change that is not in force. The owner sends it.
type Retract struct {
	_       tlb.Magic `tlb:"#3cdf5b3e"`
	QueryID uint64    `tlb:"## 64"`
	Change  uint32    `tlb:"## 32"`
}

// Launch ends the set-up: from here on changes wait. The owner sends it, once.
type Launch struct {
	_       tlb.Magic `tlb:"#4f9e1b6f"`
	QueryID uint64    `tlb:"## 64"`
}

// TakeOwnership makes its sender the owner, where a change has named it.
type TakeOwnership struct {
	_       tlb.Magic `tlb:"#69074920"`
	QueryID uint64    `tlb:"## 64"`
}

// Suspend stops a model or an image at once and for one delay. The guardian or
// the owner sends it.
type Suspend struct {
	_       tlb.Magic  `tlb:"#6648126c"`
	QueryID uint64     `tlb:"## 64"`
	Kind    ChangeKind `tlb:"## 8"`
	Key     [32]byte   `tlb:"bits 256"`
}

// RequestTerms asks for the terms, which come as a TermsAnswer with the rest of
// the value. Anyone may send it.
type RequestTerms struct {
	_       tlb.Magic `tlb:"#6ba78168"`
	QueryID uint64    `tlb:"## 64"`
}

// AnnounceTerms publishes terms for providers and dispatchers.
func AnnounceTerms(queryID uint64, terms Terms) (Announce, error) {
	value, err := Cell(terms)
	return Announce{QueryID: queryID, Kind: ChangeTerms, Value: value}, err
}

// AnnounceModel lists the model called m.Name.
func AnnounceModel(queryID uint64, m ModelData) (Announce, error) {
	value, err := Cell(m)
	return Announce{QueryID: queryID, Kind: ChangeModel, Key: cocoon.NewModelID(string(m.Name)), Value: value}, err
}

// AnnounceImage lists the image that measures measurement.
func AnnounceImage(queryID uint64, measurement [32]byte, image ImageData) (Announce, error) {
	value, err := Cell(image)
	return Announce{QueryID: queryID, Kind: ChangeImage, Key: measurement, Value: value}, err
}

// AnnounceCode lists the code of a contract.
func AnnounceCode(queryID uint64, hash [32]byte, code CodeData) (Announce, error) {
	value, err := Cell(code)
	return Announce{QueryID: queryID, Kind: ChangeCode, Key: hash, Value: value}, err
}

// AnnounceGuardian names who else may suspend; zero is nobody.
func AnnounceGuardian(queryID uint64, guardian cocoon.Account) Announce {
	return Announce{QueryID: queryID, Kind: ChangeGuardian, Key: guardian}
}

// AnnounceOwner names who may take the ownership; zero is nobody.
func AnnounceOwner(queryID uint64, owner cocoon.Account) Announce {
	return Announce{QueryID: queryID, Kind: ChangeOwner, Key: owner}
}
