package cli

import (
	"encoding/json"
	"fmt"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/contracts"
	"github.com/cocoon-network/cocoon/wrappers"
)

// provenContract is a proven account as it is told.
type provenContract struct {
	Account cocoon.Account `json:"account"`
	Status  chain.Status   `json:"status"`
	Balance cocoon.Nano    `json:"balance_nano"`
	LastLT  uint64         `json:"last_lt"`
	Code    string         `json:"code"`    // name of the contract of ours whose code it runs, "" for others
	Genuine bool           `json:"genuine"` // it also began as one: anybody may deploy our code with any state
	State   state          `json:"state"`
}

// fact is one of a contract's state.
type fact struct {
	name  string
	value any
}

// state is what a contract's state says, in short.
type state []fact

// MarshalJSON writes an object in the order of the fields; amounts end in _nano.
func (s state) MarshalJSON() ([]byte, error) {
	text := []byte("{")
	for i, f := range s {
		name := f.name
		if _, amount := f.value.(cocoon.Nano); amount {
			name += "_nano"
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = fmt.Appendf(text, "%q:%s", name, value)
	}
	return append(text, '}'), nil
}

func (c provenContract) rows() [][2]string {
	what := string(c.Status)
	switch {
	case c.Genuine:
		what = c.Code
	case c.Code != "":
		what = "not a " + c.Code + ", though it runs the code of one"
	}
	rows := [][2]string{{c.Account.String(), what}, {"  balance", c.Balance.String()}}
	for _, f := range c.State {
		rows = append(rows, [2]string{"  " + f.name, fmt.Sprint(f.value)})
	}
	return rows
}

func provenContractOf(n chain.Network, a chain.Account) provenContract {
	c := provenContract{Account: a.ID, Status: a.State, Balance: a.Balance, LastLT: a.LastLT, State: state{}}
	if a.Code == nil || a.Data == nil {
		return c
	}
	artifact, ours := contracts.ByCodeHash(a.Code.Hash())
	if !ours {
		return c
	}
	c.Code = artifact.Name
	tell, ours := summaries[wrappers.Kind(artifact.Name)]
	if !ours {
		return c
	}
	s, born, err := tell(a.Data)
	if err == nil {
		c.State = s
		if c.Code == string(wrappers.KindRegistry) { // whose address tells only what it began with
			born = n.Registry
		}
		c.Genuine = born == a.ID && !born.IsZero()
	}
	return c
}
