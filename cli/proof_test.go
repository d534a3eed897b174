package cli

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
)

// answers is "answers FILE ID ...": results in OpenAI's batch output format,
// one for each request in order, all of them answered.
func answers(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	if len(lines) != len(args)-1 {
		ts.Fatalf("%d results for %d requests", len(lines), len(args)-1)
	}
	for i, l := range lines {
		var r struct {
			ID       string `json:"id"`
			CustomID string `json:"custom_id"`
			Error    any    `json:"error"`
			Response struct {
				StatusCode int `json:"status_code"`
				Body       struct {
					Choices []struct {
						Message struct{ Content string } `json:"message"`
					} `json:"choices"`
				} `json:"body"`
			} `json:"response"`
		}
		ts.Check(json.Unmarshal([]byte(l), &r))
		if r.CustomID != args[i+1] || r.ID == "" || r.Error != nil || r.Response.StatusCode != 200 || len(r.Response.Body.Choices) != 1 || r.Response.Body.Choices[0].Message.Content == "" {
			ts.Fatalf("no answer to %s: %s", args[i+1], l)
		}
	}
}

// story is "story FILE": what up --once --json promises.
func story(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	seen := map[string]int{}
	var refused []string
	for _, l := range lines {
		var e struct {
			Event, Name, Contract string
			ExitCode              int `json:"exit_code"`
		}
		ts.Check(json.Unmarshal([]byte(l), &e))
		seen[e.Event]++
		if e.ExitCode != 0 {
			refused = append(refused, fmt.Sprintf("%s of %s: %d", e.Name, e.Contract, e.ExitCode))
		}
	}
	if len(refused) != 1 || refused[0] != "settle of channel/0: 504" {
		ts.Fatalf("not the replayed voucher alone was refused: %q", refused)
	}
	for _, event := range []string{"network", "step", "transaction", "result"} {
		if seen[event] == 0 {
			ts.Fatalf("no event %q", event)
		}
	}
	var s struct {
		Event    string
		Jobs     struct{ Opened, Paid, Refunded, Slashed int }
		Channels struct {
			Opened, Closed int
			Settled        cocoon.Nano `json:"settled_nano"`
		}
		Money map[string]string
		Index struct {
			Seqno  int `json:"head_seqno"`
			Events int
		}
		Contracts map[string]cocoon.Account
	}
	ts.Check(json.Unmarshal([]byte(lines[len(lines)-1]), &s))
	if s.Event != "summary" || seen["summary"] != 1 {
		ts.Fatalf("the last line is no summary, or there are several")
	}
	if s.Jobs.Opened != 5 || s.Jobs.Paid != 3 || s.Jobs.Refunded != 1 || s.Jobs.Slashed != 1 {
		ts.Fatalf("jobs ended as %+v", s.Jobs)
	}
	if s.Channels.Opened != 2 || s.Channels.Closed != 1 || s.Channels.Settled != cocoon.TON(3) {
		ts.Fatalf("channels ended as %+v", s.Channels)
	}
	amount := func(name string) *big.Int {
		n, err := cocoon.ParseNano(s.Money[name])
		ts.Check(err)
		return n.Big()
	}
	sum := new(big.Int).Add(amount("paid_nano"), amount("fees_nano"))
	if sum.Add(sum, amount("held_nano")).Cmp(amount("received_nano")) != 0 || sum.Sign() == 0 {
		ts.Fatalf("the money does not add up: %v", s.Money)
	}
	if s.Index.Seqno == 0 || s.Index.Events != seen["transaction"] {
		ts.Fatalf("%d events are indexed, %d were told", s.Index.Events, seen["transaction"])
	}
	for _, name := range []string{"registry", "provider/0", "provider/1", "job/0", "job/4", "channel/0", "rewards/0", "epoch/1"} {
		if s.Contracts[name].IsZero() {
			ts.Fatalf("contracts leave out %s", name)
		}
	}
}

// sentLike is "sentlike FILE": the wallet's transaction that the last command
// told sent the messages that the unsigned request in FILE asks for.
func sentLike(ts *testscript.TestScript, _ bool, args []string) {
	var want request
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &want))
	var did sent
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &did))
	out := sentBy(ts, did)
	if len(out) != len(want.Messages) || want.From != did.Wallet.String() {
		ts.Fatalf("%d messages by %s were sent, %d by %s asked for", len(out), did.Wallet, len(want.Messages), want.From)
	}
	for i, m := range out {
		w := want.Messages[i]
		to, err := chain.AccountOf(m.DstAddr)
		ts.Check(err)
		asked, err := cocoon.ParseAccount(w.Address)
		ts.Check(err)
		if to != asked || m.Amount.Nano().String() != w.Amount || !bytes.Equal(m.Body.Hash(), decoded(ts, w.Payload).Hash()) {
			ts.Fatalf("message %d to %s with %s is not the one asked for: %+v", i, to, m.Amount, w)
		}
		if (m.StateInit == nil) != (w.StateInit == "") {
			ts.Fatalf("message %d: only one of the two deploys", i)
		}
		if m.StateInit == nil {
			continue
		}
		init := decoded(ts, w.StateInit)
		sent, err := tlb.ToCell(m.StateInit)
		ts.Check(err)
		if !bytes.Equal(init.Hash(), sent.Hash()) || !bytes.Equal(init.Hash(), asked[:]) {
			ts.Fatalf("message %d deploys something else", i)
		}
	}
}

func decoded(ts *testscript.TestScript, text string) *cell.Cell {
	boc, err := base64.StdEncoding.DecodeString(text)
	ts.Check(err)
	c, err := cell.FromBOC(boc)
	ts.Check(err)
	return c
}

func sentBy(ts *testscript.TestScript, s sent) (out []*tlb.InternalMessage) {
	n, err := chain.LoadNetwork(ts.MkAbs("home/networks/localnet.json"))
	ts.Check(err)
	ctx := context.Background()
	c, err := chain.Dial(ctx, n, chain.Options{})
	ts.Check(err)
	defer c.Close()
	hash, err := hex.DecodeString(s.Tx)
	ts.Check(err)
	list, err := c.Transactions(ctx, s.Wallet, s.LT, [32]byte(hash), 1)
	ts.Check(err)
	messages, err := list[0].IO.Out.ToSlice()
	ts.Check(err)
	for _, m := range messages {
		out = append(out, m.AsInternal())
	}
	return out
}

// newer is "newer FILE": makes the database one of a newer program.
func newer(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.Exec(`INSERT INTO migrations (name, sum) VALUES ('29990101000000_later', '')`)
	ts.Check(errors.Join(err, db.Close()))
}
