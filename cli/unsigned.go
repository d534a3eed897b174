package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/xssnick/tonutils-go/tlb"

	"github.com/cocoon-network/cocoon/chain"
)

// request is TON Connect's sendTransaction, which wallets elsewhere take. They
// refuse it where they are on another network or are not From.
type request struct {
	ValidUntil int64            `json:"validUntil"` // unix seconds
	Network    string           `json:"network"`
	From       string           `json:"from"`
	Messages   []requestMessage `json:"messages"`
}

// requestMessage has base64 of bags of cells.
type requestMessage struct {
	Address   string `json:"address"`
	Amount    string `json:"amount"`
	Payload   string `json:"payload,omitempty"`
	StateInit string `json:"stateInit,omitempty"`
}

// requestLife is how long a request may be carried about before it is signed.
const requestLife = time.Hour

// printUnsigned prints messages for a signer elsewhere.
func (d *desk) printUnsigned(e *env, messages []chain.Message) error {
	r := request{ValidUntil: time.Now().Add(requestLife).Unix(), Network: strconv.Itoa(int(d.GlobalID)), From: d.account.String()}
	for _, m := range messages {
		out := requestMessage{Address: m.To.Friendly(m.Bounce, d.client.Network().Testing()), Amount: m.Amount.Text()}
		if m.Body != nil {
			out.Payload = base64.StdEncoding.EncodeToString(m.Body.ToBOC())
		}
		if m.Init != nil {
			c, err := tlb.ToCell(m.Init)
			if err != nil {
				return fmt.Errorf("encode state init: %w", err)
			}
			out.StateInit = base64.StdEncoding.EncodeToString(c.ToBOC())
		}
		r.Messages = append(r.Messages, out)
	}
	if e.json {
		return e.event("unsigned", r)
	}
	return json.NewEncoder(e.out).Encode(r)
}
