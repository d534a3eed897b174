package indexer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// registryState is the registry's state without its lists, which have a table.
type registryState struct {
	Owner      cocoon.Account `json:"owner"`
	Delay      uint32         `json:"delay"`
	Guardian   cocoon.Account `json:"guardian"`
	NextOwner  cocoon.Account `json:"next_owner"`
	Launched   bool           `json:"launched"`
	NextChange uint32         `json:"next_change"`
	Terms      *cell.Cell     `json:"terms"`
	JobTerms   *cell.Cell     `json:"job_terms"`
	Announced  []announced    `json:"announced"`
}

type announced struct {
	ID        uint32              `json:"id"`
	Kind      wrappers.ChangeKind `json:"kind"`
	Key       key                 `json:"key"`
	AppliesAt uint32              `json:"applies_at"`
	Value     *cell.Cell          `json:"value"`
}

func registryStateOf(r wrappers.Registry) registryState {
	s := registryState{r.Owner, r.Delay, r.Guardian, r.NextOwner, r.Launched, r.NextChange, r.Terms, r.JobTerms, []announced{}}
	for _, c := range r.Announced {
		s.Announced = append(s.Announced, announced{c.ID, c.Kind, c.Key, c.AppliesAt, c.Value})
	}
	return s
}

// registry applies what contracts/registry.tact does with an event.
func (p projector) registry(ctx context.Context, o *occurrence, s *registryState) error {
	switch o.Name {
	case "announce":
		return p.announce(ctx, o, s)
	case "apply":
		m, err := message[wrappers.Apply](o)
		if err != nil {
			return err
		}
		c, err := s.take(m.Change)
		if err != nil {
			return err
		}
		return p.perform(ctx, o, s, c)
	case "retract":
		m, err := message[wrappers.Retract](o)
		if err != nil {
			return err
		}
		_, err = s.take(m.Change)
		return err
	case "launch":
		s.Launched = true
	case "take_ownership":
		s.Owner, s.NextOwner = o.From, cocoon.Account{}
	case "suspend":
		m, err := message[wrappers.Suspend](o)
		if err != nil {
			return err
		}
		_, err = p.tx.ExecContext(ctx, `UPDATE listings SET suspended = ? WHERE kind = ? AND key = ?`, o.Time+s.Delay, m.Kind, m.Key[:])
		return err
	case "request_terms", bounce:
	default:
		return fmt.Errorf("%w: a registry that takes %s", errUnread, o.Name)
	}
	return nil
}

func (p projector) announce(ctx context.Context, o *occurrence, s *registryState) error {
	m, err := message[wrappers.Announce](o)
	if err != nil {
		return err
	}
	c := announced{s.NextChange, m.Kind, m.Key, o.Time + s.Delay, m.Value}
	if !s.Launched {
		return p.perform(ctx, o, s, c)
	}
	s.Announced = append(s.Announced, c)
	s.NextChange++
	return nil
}

// take removes an announced change.
func (s *registryState) take(id uint32) (announced, error) {
	for i, c := range s.Announced {
		if c.ID == id {
			s.Announced = slices.Delete(s.Announced, i, i+1)
			return c, nil
		}
	}
	return announced{}, fmt.Errorf("%w: change %d was never announced", errUnread, id)
}

func (p projector) perform(ctx context.Context, o *occurrence, s *registryState, c announced) error {
	switch c.Kind {
	case wrappers.ChangeTerms:
		s.Terms = c.Value
	case wrappers.ChangeJobTerms:
		s.JobTerms = c.Value
	case wrappers.ChangeGuardian:
		s.Guardian = cocoon.Account(c.Key)
	case wrappers.ChangeOwner:
		s.NextOwner = cocoon.Account(c.Key)
	default:
		return p.list(ctx, o, c)
	}
	return nil
}

// list enters, replaces or removes an entry of a list. An entry that is
// replaced keeps its place and is no longer suspended.
func (p projector) list(ctx context.Context, o *occurrence, c announced) error {
	if c.Value == nil {
		_, err := p.tx.ExecContext(ctx, `DELETE FROM listings WHERE kind = ? AND key = ?`, c.Kind, c.Key[:])
		return err
	}
	_, err := p.tx.ExecContext(ctx, `INSERT INTO listings (seq, kind, key, suspended, name, data) VALUES (?0, ?1, ?2, 0, ?3, ?4)
		ON CONFLICT (kind, key) DO UPDATE SET suspended = 0, name = ?3, data = ?4`, o.Seq, c.Kind, c.Key[:], storable(nameOf(c)), c.Value.ToBOC())
	return err
}

// storable is a name as any database takes it: PostgreSQL keeps no NUL, and an
// owner who lists a model under a name with one would stop the indexer.
func storable(name string) string { return strings.ReplaceAll(name, "\x00", "\ufffd") }

// nameOf is what an entry calls itself, "" where it cannot be read or is a model
// under an id that is not its own: the contract leaves entries unread.
func nameOf(c announced) string {
	switch c.Kind {
	case wrappers.ChangeModel:
		m, err := wrappers.Decode[wrappers.ModelData](c.Value)
		if err != nil || cocoon.NewModelID(string(m.Name)) != cocoon.ModelID(c.Key) {
			return ""
		}
		return string(m.Name)
	case wrappers.ChangeImage:
		m, err := wrappers.Decode[wrappers.ImageData](c.Value)
		if err != nil {
			return ""
		}
		return string(m.Name)
	case wrappers.ChangeCode:
		m, err := wrappers.Decode[wrappers.CodeData](c.Value)
		if err != nil {
			return ""
		}
		return string(m.Contract)
	}
	return ""
}
