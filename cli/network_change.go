package cli

import (
	"context"
	"encoding/hex"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/chain"
	"github.com/cocoon-network/cocoon/wrappers"
)

// registryCommand is a command that tells the registry something.
func registryCommand(e *env, use, short string, args cobra.PositionalArgs, what string,
	message func(ctx context.Context, d *desk, args []string) (chain.Message, error)) *cobra.Command {
	o := &payer{}
	c := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, args []string) error {
		n, err := e.needRegistry()
		if err != nil {
			return err
		}
		d, err := o.open(c.Context(), e, n)
		if err != nil {
			return err
		}
		defer d.client.Close()
		m, err := message(c.Context(), d, args)
		if err != nil {
			return err
		}
		return d.send(c.Context(), e, what, m)
	}}
	o.flags(c.Flags())
	return c
}

func newNetworkAnnounce(e *env) *cobra.Command {
	c := group("announce", "Announce a change of the registry, which counts after its delay",
		newAnnounceModel(e), newAnnounceImage(e), newAnnounceRole(e, "guardian", "who may suspend models and images beside you", wrappers.AnnounceGuardian),
		newAnnounceRole(e, "owner", "who may take the registry over (cocoon network take-ownership)", wrappers.AnnounceOwner))
	c.Long = `Announces a change of the registry. The owner sends it; everybody sees it for one
delay before it counts, once anyone has sent: cocoon network apply CHANGE`
	return c
}

func newAnnounceModel(e *env) *cobra.Command {
	var remove bool
	var vram uint32
	c := registryCommand(e, "model NAME", "Let a model be served", exactly("NAME"), "announce the model",
		func(ctx context.Context, d *desk, args []string) (chain.Message, error) {
			a, err := wrappers.AnnounceModel(0, wrappers.ModelData{MinVRAMMiB: vram, Name: wrappers.Text(args[0])})
			if err != nil {
				return chain.Message{}, err
			}
			if remove {
				a.Value = nil
			}
			return d.Announce(ctx, a)
		})
	c.Flags().BoolVar(&remove, "remove", false, "take it off the list instead")
	c.Flags().Uint32Var(&vram, "min-vram", 0, "least MiB of a worker's GPUs together; 0 where it does not matter")
	return c
}

func newAnnounceImage(e *env) *cobra.Command {
	var remove bool
	name := ""
	c := registryCommand(e, "image MEASUREMENT", "Let workers run an image, by what it measures", exactly("MEASUREMENT"), "announce the image",
		func(ctx context.Context, d *desk, args []string) (chain.Message, error) {
			key, err := hashArg("MEASUREMENT", args[0])
			if err != nil {
				return chain.Message{}, err
			}
			if remove {
				return d.Announce(ctx, wrappers.Announce{Kind: wrappers.ChangeImage, Key: key})
			}
			if name == "" {
				return chain.Message{}, cocoon.Invalid.Errorf("an image needs a --name that people know it by")
			}
			a, err := wrappers.AnnounceImage(0, key, wrappers.ImageData{Name: wrappers.Text(name)})
			if err != nil {
				return chain.Message{}, err
			}
			return d.Announce(ctx, a)
		})
	c.Long = `Lets workers run an image. MEASUREMENT is 64 hex digits: SHA-256 of MRTD, RTMR0 to
RTMR3, TD attributes and XFAM, as docs/protocol/evidence.md has it. You vouch for
it: whoever builds the image again has to come to the same digits.`
	c.Flags().StringVar(&name, "name", "", "name of the image, with its version")
	c.Flags().BoolVar(&remove, "remove", false, "take it off the list instead")
	return c
}

func newAnnounceRole(e *env, role, short string, change func(uint64, cocoon.Account) wrappers.Announce) *cobra.Command {
	return registryCommand(e, role+" ADDRESS", "Name "+short, exactly("ADDRESS"), "announce the "+role,
		func(ctx context.Context, d *desk, args []string) (chain.Message, error) {
			a, err := cocoon.ParseAccount(args[0])
			if err != nil {
				return chain.Message{}, err
			}
			return d.Announce(ctx, change(0, a))
		})
}

// newNetworkChange is a command on one announced change.
func newNetworkChange(e *env, use, short string, message func(*desk, context.Context, uint32) (chain.Message, error)) *cobra.Command {
	return registryCommand(e, use+" CHANGE", short, exactly("CHANGE"), use+" the change",
		func(ctx context.Context, d *desk, args []string) (chain.Message, error) {
			id, err := strconv.ParseUint(args[0], 10, 32)
			if err != nil {
				return chain.Message{}, cocoon.WithHint(cocoon.Invalid.Errorf("CHANGE %q is not a number", args[0]), "cocoon network status lists them")
			}
			r, err := d.Published(ctx)
			if err != nil {
				return chain.Message{}, err
			}
			for _, c := range r.Announced {
				if c.ID == uint32(id) {
					return message(d, ctx, c.ID)
				}
			}
			return chain.Message{}, cocoon.WithHint(cocoon.NotFound.Errorf("no change %d is announced", id), "cocoon network status lists them")
		})
}

func newNetworkApply(e *env) *cobra.Command {
	return newNetworkChange(e, "apply", "Put an announced change into force, once its delay is over", func(d *desk, ctx context.Context, id uint32) (chain.Message, error) { return d.Apply(ctx, id) })
}

func newNetworkRetract(e *env) *cobra.Command {
	return newNetworkChange(e, "retract", "Take an announced change back", func(d *desk, ctx context.Context, id uint32) (chain.Message, error) { return d.Retract(ctx, id) })
}

func newNetworkTakeOwnership(e *env) *cobra.Command {
	return registryCommand(e, "take-ownership", "Become the registry's owner, where its owner has named you", exactly(), "take the ownership",
		func(ctx context.Context, d *desk, _ []string) (chain.Message, error) { return d.TakeOwnership(ctx) })
}

func newNetworkSuspend(e *env) *cobra.Command {
	c := group("suspend", "Stop a model or an image at once, for one delay",
		registryCommand(e, "model NAME", "Stop a model", exactly("NAME"), "suspend the model", func(ctx context.Context, d *desk, args []string) (chain.Message, error) {
			return d.suspend(ctx, wrappers.ChangeModel, cocoon.NewModelID(args[0]))
		}),
		registryCommand(e, "image MEASUREMENT", "Stop an image, which clients then refuse", exactly("MEASUREMENT"), "suspend the image", func(ctx context.Context, d *desk, args []string) (chain.Message, error) {
			key, err := hashArg("MEASUREMENT", args[0])
			if err != nil {
				return chain.Message{}, err
			}
			return d.suspend(ctx, wrappers.ChangeImage, key)
		}))
	c.Long = `Stops a model or an image at once; guardian or owner may. It lapses after one
delay: announce its removal as well where it is to stay out.`
	return c
}

// suspend says beforehand what the contract would refuse.
func (d *desk) suspend(ctx context.Context, kind wrappers.ChangeKind, key [32]byte) (chain.Message, error) {
	r, err := d.Published(ctx)
	if err != nil {
		return chain.Message{}, err
	}
	list := r.Models
	if kind == wrappers.ChangeImage {
		list = r.Images
	}
	for _, l := range list {
		if l.Key == key {
			return d.Suspend(ctx, kind, key)
		}
	}
	return chain.Message{}, cocoon.WithHint(cocoon.NotFound.Errorf("the registry does not list %x", key), "cocoon network status shows what it lists")
}

// hashArg reads 64 hex digits.
func hashArg(what, text string) (h [32]byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(h) {
		return h, cocoon.Invalid.Errorf("%s %q is not 64 hex digits", what, text)
	}
	return [32]byte(b), nil
}
