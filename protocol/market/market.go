// Package market is what the indexer tells the other rooms and the outside:
// the events of our contracts in the chain's order, and what they add up to.
// The JSON names are those of the HTTP API. Times are unix seconds of the chain.
package market

import (
	"encoding/json"

	"github.com/cocoon-network/cocoon"
)

// Event is one transaction of one of our contracts. Seq counts from 1 in the
// chain's order, without gaps; nothing in an event depends on when it was read.
type Event struct {
	Seq      uint64          `json:"seq"`
	Seqno    uint32          `json:"mc_seqno"` // masterchain block that committed it
	Time     uint32          `json:"time"`     // of its block
	LT       uint64          `json:"lt"`
	Tx       string          `json:"tx"`       // transaction hash, hex
	Contract string          `json:"contract"` // registry, provider, job, channel, rewards or epoch
	Account  cocoon.Account  `json:"account"`
	From     cocoon.Account  `json:"from"` // sender; zero for an external message
	Name     string          `json:"name"` // operation as in the schema; "transfer" without one, "bounce" for what came back, "unknown" for what it is not
	OK       bool            `json:"ok"`   // false where the contract refused and changed nothing
	ExitCode int32           `json:"exit_code"`
	Value    cocoon.Nano     `json:"value_nano"` // that arrived
	Fees     cocoon.Nano     `json:"fees_nano"`  // of the transaction and the messages it sent
	Data     json.RawMessage `json:"data"`       // the decoded message, {} where it has no fields
	Out      []Out           `json:"out"`        // messages it sent
}

// Out is one message an event's transaction sent. Amount is what a settlement
// says it brings, nil for all others: its value is more, by the gas it needs.
type Out struct {
	To     cocoon.Account `json:"to"`
	Value  cocoon.Nano    `json:"value_nano"`
	Name   string         `json:"name"`
	Amount *cocoon.Nano   `json:"amount_nano,omitempty"`
}

// Provider is a provider contract as its events left it.
type Provider struct {
	Account   cocoon.Account `json:"account"`
	Owner     cocoon.Account `json:"owner"`
	Index     uint32         `json:"index"`
	Stake     cocoon.Nano    `json:"stake_nano"`
	Unbonding cocoon.Nano    `json:"unbonding_nano"`
	Free      cocoon.Nano    `json:"free_nano"` // balance less debts; rent reserve not taken off
	Allowance cocoon.Nano    `json:"allowance_nano"`
	Required  cocoon.Nano    `json:"required_nano"` // stake its active workers need under its terms
	Operator  string         `json:"operator"`      // key, hex
	GPUs      uint32         `json:"gpus"`          // active
	Terms     string         `json:"terms"`         // hash of the terms it took, hex; "" without
	Tranches  []Tranche      `json:"tranches"`      // of Unbonding, by time
}

// Tranche is a part of a stake or bond that is leaving.
type Tranche struct {
	At     uint32      `json:"at"` // from when on it may be withdrawn
	Amount cocoon.Nano `json:"amount_nano"`
}

// Worker is one worker record of a provider.
type Worker struct {
	Key         string         `json:"key"` // hex
	Provider    cocoon.Account `json:"provider"`
	GPU         string         `json:"gpu"`
	GPUs        uint16         `json:"gpus"`
	VRAM        uint32         `json:"vram_mib"` // a GPU
	Region      string         `json:"region"`
	Uptime      uint16         `json:"uptime_bps"` // committed
	Concurrency uint16         `json:"concurrency"`
	Models      []ModelOffer   `json:"models"`
	RetiredAt   uint32         `json:"retired_at"` // 0 while active
	Slashed     bool           `json:"slashed"`    // for an equivocation, which retires it as well
}

// ModelOffer is a model a worker serves, and at which price.
type ModelOffer struct {
	Model cocoon.ModelID `json:"model"`
	Name  string         `json:"name"` // as the registry calls it, "" where it does not
	Price cocoon.Price   `json:"price"`
}

// Status is where a job stands.
type Status string

// A job is open until a provider accepts, accepted until the worker delivers,
// delivered until the client approves or the review ends, or disputed from the
// client's dispute on until the arbiter rules or its time is over. It ends paid,
// ruled (disputed, and paid what the arbiter ruled or, without one, the offer's
// default), refunded (nobody had accepted) or slashed (accepted, never delivered).
const (
	Open      Status = "open"
	Accepted  Status = "accepted"
	Delivered Status = "delivered"
	Disputed  Status = "disputed"
	Paid      Status = "paid"
	Ruled     Status = "ruled"
	Refunded  Status = "refunded"
	Slashed   Status = "slashed"
)

// Over says that the job of this status is closed.
func (s Status) Over() bool { return s == Paid || s == Ruled || s == Refunded || s == Slashed }

// Job is a job contract as its events left it.
type Job struct {
	Account    cocoon.Account `json:"account"`
	Client     cocoon.Account `json:"client"`
	Dispatcher cocoon.Account `json:"dispatcher"` // payee of the dispatcher's share
	Model      cocoon.ModelID `json:"model"`
	Status     Status         `json:"status"`
	Budget     cocoon.Nano    `json:"budget_nano"`
	MinBond    cocoon.Nano    `json:"min_bond_nano"`
	Caps       cocoon.Price   `json:"price_caps"`
	OpenedAt   uint32         `json:"opened_at"`
	AcceptBy   uint32         `json:"accept_by"`
	Until      uint32         `json:"until"`        // end of the present phase, 0 in none
	Arbiter    cocoon.Account `json:"arbiter"`      // of a dispute; zero leaves it to DefaultBps
	Deposit    cocoon.Nano    `json:"deposit_nano"` // of a dispute
	DefaultBps uint16         `json:"default_bps"`  // of Amount, paid for a dispute that nobody rules on
	Provider   cocoon.Account `json:"provider"`
	Worker     string         `json:"worker"` // key, hex
	Bond       cocoon.Nano    `json:"bond_nano"`
	Amount     cocoon.Nano    `json:"amount_nano"`       // delivered for
	Paid       cocoon.Nano    `json:"paid_nano"`         // of Amount; the provider's, the dispatcher's and the network's share
	ToProvider cocoon.Nano    `json:"to_provider_nano"`  // its share, the returned bond apart
	ToArbiter  cocoon.Nano    `json:"to_arbiter_nano"`   // the deposit, the client's or out of the bond
	Awarded    cocoon.Nano    `json:"bond_awarded_nano"` // of the bond, to the client
	ToClient   cocoon.Nano    `json:"to_client_nano"`
	Payload    string         `json:"payload_hash"` // hex
	Result     string         `json:"result_hash"`  // hex, "" before delivery
	Usage      cocoon.Usage   `json:"usage"`
}

// Channel is a channel contract as its events left it.
type Channel struct {
	Account       cocoon.Account `json:"account"`
	Client        cocoon.Account `json:"client"`
	Rewards       cocoon.Account `json:"rewards"`        // of the dispatcher; gets what vouchers take
	DispatcherKey string         `json:"dispatcher_key"` // hex; agrees to a close without delay
	OpenedAt      uint32         `json:"opened_at"`
	CloseDelay    uint32         `json:"close_delay"`  // seconds, as the contract keeps it
	Settled       cocoon.Nano    `json:"settled_nano"` // paid to Rewards
	Balance       cocoon.Nano    `json:"balance_nano"` // rent reserve not taken off
	Key           string         `json:"key"`          // signs vouchers, hex
	Previous      string         `json:"previous_key"` // signs as well before PreviousUntil; "" until a key was rotated
	PreviousUntil uint32         `json:"previous_until"`
	ClosesAt      uint32         `json:"closes_at"` // 0 until the client asks
	Closed        bool           `json:"closed"`
	ToClient      cocoon.Nano    `json:"to_client_nano"`   // that came back once it was closed
	Demand        *Demand        `json:"demand,omitempty"` // left out until the client declares one
}

// Demand is what a client says it expects to need of a channel.
type Demand struct {
	Model  cocoon.ModelID `json:"model"`
	Tokens uint64         `json:"tokens"` // a day
	At     uint32         `json:"at"`     // when it said so
}

// Epoch is an epoch contract as its events left it.
type Epoch struct {
	Account cocoon.Account `json:"account"`
	Rewards cocoon.Account `json:"rewards"`
	Number  uint32         `json:"number"`
	Attempt uint16         `json:"attempt"`
	Phase   string         `json:"phase"` // publishing, window, paying, finished or failed
	Until   uint32         `json:"until"`
	Root    string         `json:"root"` // hex
	Total   cocoon.Nano    `json:"total_nano"`
	Count   uint32         `json:"count"`
	Pushed  uint32         `json:"pushed"` // leaves the cursor has passed
	Paid    cocoon.Nano    `json:"paid_nano"`
	Claimed []uint32       `json:"claimed"` // indices paid ahead of the cursor
	Proven  cocoon.Account `json:"proven"`  // the provider whose receipt refuted it; zero without
}

// Leaf is what an epoch pays one provider, and why.
type Leaf struct {
	Index    uint32         `json:"index"`
	Provider cocoon.Account `json:"provider"`
	Amount   cocoon.Nano    `json:"amount_nano"`
	Requests uint32         `json:"requests"`
	Tokens   uint64         `json:"tokens"`
	Failures uint32         `json:"failures"`
	Uptime   uint16         `json:"uptime_bps"`
	P50      uint32         `json:"p50_ms"`
}

// Rewards is a rewards contract as its events left it.
type Rewards struct {
	Account   cocoon.Account `json:"account"`
	Owner     cocoon.Account `json:"owner"`
	NextOwner cocoon.Account `json:"next_owner"` // may become the owner; zero for nobody
	Heir      cocoon.Account `json:"heir"`       // may take over after a long silence; zero for nobody
	Index     uint32         `json:"index"`
	Operator  cocoon.Account `json:"operator"`
	SeenAt    uint32         `json:"seen_at"` // unix seconds, when owner or operator last sent something
	Bond      cocoon.Nano    `json:"bond_nano"`
	Unbonding cocoon.Nano    `json:"unbonding_nano"`
	Pot       cocoon.Nano    `json:"pot_nano"` // balance less debts; rent reserve not taken off
	Number    uint32         `json:"number"`
	Attempt   uint16         `json:"attempt"`
	Pending   cocoon.Account `json:"pending"`  // epoch that has not passed; zero without
	Owed      uint32         `json:"owed"`     // receipts of numbers up to it are lodged: the bond stays until it has passed
	Terms     string         `json:"terms"`    // hash of the terms it took, hex; "" without
	Tranches  []Tranche      `json:"tranches"` // of Unbonding, by time

	ReceiptKey  string    `json:"receipt_key"`   // of Number, hex; "" without
	NextKey     string    `json:"next_key"`      // of numbers from NextKeyFrom on, hex; "" without
	NextKeyFrom uint32    `json:"next_key_from"` // 0 without
	Endpoint    *Endpoint `json:"endpoint"`      // nil where it does not say
}

// Endpoint is where a dispatcher is reached, by its own word.
type Endpoint struct {
	URL        string `json:"url"`
	TLSKeyHash string `json:"tls_key_hash"` // SHA-256 of the public key that a server there proves, hex
}

// Registry is the registry as its events left it.
type Registry struct {
	Account  cocoon.Account `json:"account"`
	Owner    cocoon.Account `json:"owner"`
	Guardian cocoon.Account `json:"guardian"` // zero for nobody
	Delay    uint32         `json:"delay"`    // seconds that changes wait once it is launched
	Launched bool           `json:"launched"`
	Terms    string         `json:"terms"`     // hash, hex; "" before they are published
	JobTerms string         `json:"job_terms"` // hash, hex; "" before they are published
}

// Model is a model the registry lists.
type Model struct {
	ID             cocoon.ModelID `json:"model"`
	Name           string         `json:"name"` // "" where the entry does not name the model of this id
	MinVRAM        uint32         `json:"min_vram_mib"`
	SuspendedUntil uint32         `json:"suspended_until"`
}

// Contract is one of our contracts and its money: Balance = Received - Sent - Fees.
type Contract struct {
	Account  cocoon.Account `json:"account"`
	Kind     string         `json:"contract"` // registry, provider, job, channel, rewards or epoch
	Seq      uint64         `json:"seq"`      // of its birth
	Received cocoon.Nano    `json:"received_nano"`
	Sent     cocoon.Nano    `json:"sent_nano"`
	Fees     cocoon.Nano    `json:"fees_nano"`
	Balance  cocoon.Nano    `json:"balance_nano"`
}

// Money adds up all contracts: Received = Paid + Fees + Held.
type Money struct {
	Received cocoon.Nano `json:"received_nano"` // that entered from outside
	Paid     cocoon.Nano `json:"paid_nano"`     // that left
	Fees     cocoon.Nano `json:"fees_nano"`     // of their transactions and messages
	Held     cocoon.Nano `json:"held_nano"`     // balances
}

// Head is how far the chain has been followed.
type Head struct {
	Seqno  uint32 `json:"mc_seqno"`
	Time   uint32 `json:"time"`
	Events uint64 `json:"events"` // seq of the newest
}
