package api

import (
	"errors"
	"math"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/openai"
)

// books hold every key to its limits: what it has spent and what open requests
// may still cost, before anything is asked for.
type books struct {
	now func() time.Time

	mu       sync.Mutex
	ledger   *ledger
	accounts map[string]*account
}

// account is what a key does now.
type account struct {
	open     int         // requests
	reserved cocoon.Nano // for them
	requests bucket
	tokens   bucket
}

// bucket fills evenly to what a minute allows. It may be overdrawn by what was
// not known before.
type bucket struct {
	level float64
	at    time.Time
}

func (b *bucket) fill(limit int, now time.Time) {
	if b.at.IsZero() {
		b.level = float64(limit)
	} else if d := now.Sub(b.at); d > 0 {
		b.level = min(float64(limit), b.level+d.Minutes()*float64(limit))
	}
	b.at = now
}

// wait is how long until the bucket holds need, or as much as it can.
func (b *bucket) wait(need float64, limit int) time.Duration {
	missing := min(need, float64(limit)) - b.level
	if limit == 0 || missing <= 0 {
		return 0
	}
	return time.Duration(math.Ceil(missing / float64(limit) * float64(time.Minute)))
}

// hold is what a request was admitted with.
type hold struct {
	books   *books
	key     Key
	entry   Entry
	guessed float64 // tokens taken from the bucket
}

// admit sets reserve aside for r, or says which limit of its key forbids it.
func (b *books) admit(key Key, r Request, reserve cocoon.Nano) (*hold, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if err := b.ledger.turn(now); err != nil { // a new day has its own budget
		return nil, ledgerError(err)
	}
	a := b.accounts[key.ID]
	if a == nil {
		a = &account{}
		b.accounts[key.ID] = a
	}
	a.requests.fill(key.Requests, now)
	a.tokens.fill(key.Tokens, now)
	h := &hold{books: b, key: key, guessed: guess(r)}
	if err := a.mayStart(key, h.guessed); err != nil {
		return nil, err
	}
	if err := b.affords(key, a, reserve); err != nil {
		return nil, err
	}
	sum, err := a.reserved.Add(reserve)
	if err != nil {
		return nil, err
	}
	h.entry = Entry{Event: eventOpen, ID: r.ID, At: now, Key: key.ID, Endpoint: r.Endpoint, Model: r.Model, Reserve: reserve}
	if err := b.ledger.append(h.entry); err != nil {
		return nil, err
	}
	a.open, a.reserved = a.open+1, sum
	a.requests.level--
	a.tokens.level -= h.guessed
	return h, nil
}

// defaultOut is what a choice is expected to take at most when nobody knows.
const defaultOut = 512

// guess is the number of tokens r will take: four bytes each of the prompt, and
// what it may answer but at most 512 a choice.
func guess(r Request) float64 {
	out := defaultOut
	if r.MaxOut > 0 {
		out = min(out, r.MaxOut)
	}
	if r.Endpoint == openai.Embeddings {
		out = 0
	}
	return float64(len(r.Body)/4 + out*r.Choices)
}

func (a *account) mayStart(key Key, tokens float64) error {
	wait, what := time.Duration(0), ""
	switch {
	case key.Open > 0 && a.open >= key.Open:
		wait, what = time.Second, "requests at a time"
	case a.requests.wait(1, key.Requests) > 0:
		wait, what = a.requests.wait(1, key.Requests), "requests a minute"
	case a.tokens.wait(tokens, key.Tokens) > 0:
		wait, what = a.tokens.wait(tokens, key.Tokens), "tokens a minute"
	default:
		return nil
	}
	return &Error{Code: CodeRateLimit, RetryAfter: wait, Err: cocoon.Conflict.Errorf("the API key has reached its limit of %s", what)}
}

// affords checks that what was spent, what is set aside and reserve fit the budgets.
func (b *books) affords(key Key, a *account, reserve cocoon.Nano) error {
	for _, budget := range []struct {
		name         string
		limit, spent cocoon.Nano
	}{{"of the day", key.BudgetDay, b.ledger.today[key.ID]}, {"in all", key.BudgetTotal, b.ledger.spent[key.ID]}} {
		if budget.limit.IsZero() {
			continue
		}
		sum, err := budget.spent.Add(a.reserved)
		if err == nil {
			sum, err = sum.Add(reserve)
		}
		if err != nil || sum.Cmp(budget.limit) > 0 {
			return &Error{Code: CodeBudget, Err: cocoon.NoMoney.Errorf("the API key's budget %s is %s: %s is spent, %s set aside for open requests, and this one needs %s",
				budget.name, budget.limit, budget.spent, a.reserved, reserve)}
		}
	}
	return nil
}

// raise sets aside what the answer may cost as it goes on.
func (h *hold) raise(reserve cocoon.Nano) error {
	if reserve.Cmp(h.entry.Reserve) <= 0 {
		return nil
	}
	b := h.books
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.accounts[h.key.ID]
	more, err := reserve.Sub(h.entry.Reserve)
	if err == nil {
		err = b.affords(h.key, a, more)
	}
	if err != nil {
		return err
	}
	if err = b.ledger.append(Entry{Event: eventRaise, ID: h.entry.ID, At: b.now(), Reserve: reserve}); err != nil {
		return err
	}
	h.entry.Reserve = reserve
	a.reserved, err = a.reserved.Add(more)
	return err
}

// settle replaces what was set aside by what is paid.
func (h *hold) settle(bill Bill, outcome string) error {
	b := h.books
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.accounts[h.key.ID]
	a.open--
	rest, err := a.reserved.Sub(h.entry.Reserve)
	a.reserved = rest
	a.tokens.level += h.guessed - float64(bill.Usage.Total())
	e := h.entry
	e.Event, e.At, e.Outcome = eventClose, b.now(), outcome
	e.Cost, e.Usage, e.Request, e.Worker, e.Attempts = bill.Cost, bill.Usage, bill.Request, bill.Worker, bill.Attempts
	return errors.Join(err, b.ledger.append(e))
}
