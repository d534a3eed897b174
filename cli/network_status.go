package cli

import (
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

func newNetworkStatus(e *env) *cobra.Command {
	return &cobra.Command{Use: "status", Short: "Show the registry as the chain proves it", Args: exactly(), RunE: func(c *cobra.Command, _ []string) error {
		n, err := e.needRegistry()
		if err != nil {
			return err
		}
		p := payer{owner: n.Registry.String(), unsigned: true} // whoever looks needs no key
		d, err := p.open(c.Context(), e, n)
		if err != nil {
			return err
		}
		defer d.client.Close()
		r, err := d.Published(c.Context())
		if err != nil {
			return err
		}
		return e.showRegistry(n.Registry, r)
	}}
}

type networkStatus struct {
	Registry cocoon.Account  `json:"registry"`
	Owner    cocoon.Account  `json:"owner"`
	Guardian cocoon.Account  `json:"guardian"`
	Delay    uint32          `json:"delay_s"`
	Models   []networkListed `json:"models"`
	Images   []networkListed `json:"images"`
	Changes  []networkChange `json:"changes"`
}

type networkListed struct {
	Key            string `json:"key"` // hex
	Name           string `json:"name"`
	SuspendedUntil uint32 `json:"suspended_until"` // unix seconds; 0: never suspended
}

type networkChange struct {
	ID        uint32 `json:"change"`
	Kind      string `json:"kind"`
	Key       string `json:"key"` // hex
	AppliesAt uint32 `json:"applies_at"`
	Removes   bool   `json:"removes"`
}

var changeKinds = map[wrappers.ChangeKind]string{wrappers.ChangeTerms: "terms", wrappers.ChangeJobTerms: "job terms", wrappers.ChangeModel: "model",
	wrappers.ChangeImage: "image", wrappers.ChangeCode: "code", wrappers.ChangeGuardian: "guardian", wrappers.ChangeOwner: "owner"}

func (e *env) showRegistry(a cocoon.Account, r wrappers.Registry) error {
	s := networkStatus{Registry: a, Owner: r.Owner, Guardian: r.Guardian, Delay: r.Delay, Models: []networkListed{}, Images: []networkListed{}, Changes: []networkChange{}}
	rows := [][2]string{{"registry", a.String()}, {"owner", r.Owner.String()}, {"guardian", r.Guardian.String()}, {"delay", fmt.Sprintf("%d s", r.Delay)}}
	for _, l := range r.Models {
		m, err := wrappers.Decode[wrappers.ModelData](l.Data)
		if err != nil {
			return fmt.Errorf("model %x: %w", l.Key, err)
		}
		s.Models = append(s.Models, networkListed{hex.EncodeToString(l.Key[:]), string(m.Name), l.SuspendedUntil})
	}
	for _, l := range r.Images {
		m, err := wrappers.Decode[wrappers.ImageData](l.Data)
		if err != nil {
			return fmt.Errorf("image %x: %w", l.Key, err)
		}
		s.Images = append(s.Images, networkListed{hex.EncodeToString(l.Key[:]), string(m.Name), l.SuspendedUntil})
	}
	for _, c := range r.Announced {
		s.Changes = append(s.Changes, networkChange{c.ID, changeKinds[c.Kind], hex.EncodeToString(c.Key[:]), c.AppliesAt, c.Value == nil && c.Kind < wrappers.ChangeGuardian})
	}
	for _, l := range s.Models {
		rows = append(rows, l.row("model"))
	}
	for _, l := range s.Images {
		rows = append(rows, l.row("image"))
	}
	for _, c := range s.Changes {
		rows = append(rows, [2]string{fmt.Sprintf("change %d", c.ID), fmt.Sprintf("%s %s, from %s on", c.Kind, c.Key, cocoon.UTC(c.AppliesAt))})
	}
	return e.show("registry", s, rows...)
}

func (l networkListed) row(what string) [2]string {
	text := l.Name
	if l.SuspendedUntil > 0 {
		text += ", suspended until " + cocoon.UTC(l.SuspendedUntil)
	}
	return [2]string{what + " " + l.Key, text}
}
