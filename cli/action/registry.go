package action

import (
	"context"
	"fmt"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/protocol/attest"
	"github.com/cocoon-network/cocoon/wrappers"
)

// Deploy are the messages that bring a registry to life: its rules, the models
// that may be served, and the launch, after which every change waits. On a local
// network the simulator's image is listed, too. The registry's owner sends them
// all at once.
func (d Desk) Deploy(ctx context.Context, b wrappers.RegistryBirth, rules Rules, treasury cocoon.Account, models ...string) (cocoon.Account, []chain.Message, error) {
	c, err := wrappers.Find(ctx, d.Chain, b)
	if err != nil {
		return c.Account, nil, err
	}
	if c.Data != nil {
		return c.Account, nil, cocoon.WithHint(cocoon.Conflict.Errorf("there is a registry at %s already", c.Account),
			"use it with --registry %s, or deploy another one with another --delay", c.Account)
	}
	changes, err := setUp(c.Account, rules, treasury, models)
	if err == nil && chain.Local(d.GlobalID) {
		var image wrappers.Announce
		image, err = wrappers.AnnounceImage(0, attest.DevelopmentImage(), wrappers.ImageData{Name: "simulated TEE, for development"})
		changes = append(changes, image)
	}
	if err != nil {
		return c.Account, nil, err
	}
	fees, err := wrappers.GetRegistryFees(ctx, c.Fees, c.Account)
	if err != nil {
		return c.Account, nil, err
	}
	var messages []chain.Message
	for _, change := range changes {
		m, err := wrappers.NewMessage(c, change, fees.Announce)
		if err != nil {
			return c.Account, nil, err
		}
		messages = append(messages, m)
	}
	launch, err := wrappers.NewMessage(c, wrappers.Launch{}, fees.Launch)
	return c.Account, append(messages, launch), err
}

// setUp are the changes that make the rules and the models known.
func setUp(registry cocoon.Account, rules Rules, treasury cocoon.Account, models []string) ([]wrappers.Announce, error) {
	terms, err := rules.Terms(treasury)
	if err != nil {
		return nil, err
	}
	jobTerms, err := rules.JobTerms(registry, treasury)
	if err != nil {
		return nil, err
	}
	first, err := wrappers.AnnounceTerms(0, terms)
	if err != nil {
		return nil, err
	}
	value, err := wrappers.Cell(jobTerms)
	if err != nil {
		return nil, err
	}
	changes := []wrappers.Announce{first, {Kind: wrappers.ChangeJobTerms, Value: value}}
	for _, name := range models {
		m, err := wrappers.AnnounceModel(0, wrappers.ModelData{Name: wrappers.Text(name)})
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", name, err)
		}
		changes = append(changes, m)
	}
	return changes, nil
}

// Published is the registry's state.
func (d Desk) Published(ctx context.Context) (wrappers.Registry, error) {
	acc, err := d.Chain.Account(ctx, d.Registry)
	if err != nil {
		return wrappers.Registry{}, fmt.Errorf("read the registry: %w", err)
	}
	if acc.Data == nil {
		return wrappers.Registry{}, cocoon.WithHint(cocoon.NotFound.Errorf("there is no registry at %s", d.Registry),
			"check --network and --registry; deploy one with: cocoon network deploy")
	}
	return wrappers.DecodeRegistry(acc.Data)
}

// termsHash is what owners consent to.
func (d Desk) termsHash(ctx context.Context) ([32]byte, error) {
	r, err := d.Published(ctx)
	if err != nil {
		return [32]byte{}, err
	}
	return hashOf(r.Terms)
}

func hashOf(terms *cell.Cell) ([32]byte, error) {
	if terms == nil {
		return [32]byte{}, cocoon.Conflict.Errorf("the registry publishes no terms yet")
	}
	return [32]byte(terms.Hash()), nil
}

// Model is the registry's name of a model; one it does not list is NotFound.
func (d Desk) Model(ctx context.Context, id cocoon.ModelID) (string, error) {
	r, err := d.Published(ctx)
	if err != nil {
		return "", err
	}
	var names []string
	for _, m := range r.Models {
		data, err := wrappers.Decode[wrappers.ModelData](m.Data)
		if err != nil {
			return "", fmt.Errorf("the registry's entry of model %x: %w", m.Key, err)
		}
		if m.Key == id {
			return string(data.Name), nil
		}
		names = append(names, string(data.Name))
	}
	return "", cocoon.WithHint(cocoon.NotFound.Errorf("the registry lists no model %s", id), "it lists %q", names)
}
