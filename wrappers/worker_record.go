package wrappers

import (
	"bytes"
	"fmt"

	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
)

// MaxModels bounds the models of one worker.
const MaxModels = 8

// WorkerRecord is what a provider says about one of its machines.
type WorkerRecord struct {
	GPU         string       // ASCII, at most 32 characters, as in "NVIDIA H100"
	Region      string       // ASCII, at most 16 characters, as in "eu-west"
	GPUs        uint16       // not 0
	VRAMMiB     uint32       // of one GPU; not 0
	UptimeBps   uint16       // committed; at most 10,000
	Concurrency uint16       // requests at a time; not 0
	Models      []ModelOffer // at most MaxModels
}

// offersInCell is how many offers lie in one cell of a record.
const offersInCell = 2

// priceLimit is what a price of an offer, nanoTON per 10^6 tokens, stays below.
var priceLimit = cocoon.NanoOf(1 << 56)

// ModelOffer is a model that a worker serves, and for how much.
type ModelOffer struct {
	Model cocoon.ModelID
	Price cocoon.Price
}

type workerRecord struct {
	GPU         [32]byte   `tlb:"bits 256"`
	Region      [16]byte   `tlb:"bits 128"`
	GPUs        uint16     `tlb:"## 16"`
	VRAMMiB     uint32     `tlb:"## 32"`
	UptimeBps   uint16     `tlb:"## 16"`
	Concurrency uint16     `tlb:"## 16"`
	Models0     *cell.Cell `tlb:"maybe ^"`
	Models1     *cell.Cell `tlb:"maybe ^"`
	Models2     *cell.Cell `tlb:"maybe ^"`
	Models3     *cell.Cell `tlb:"maybe ^"`
}

// models are the places of the cells with offers.
func (r *workerRecord) models() [4]**cell.Cell {
	return [...]**cell.Cell{&r.Models0, &r.Models1, &r.Models2, &r.Models3}
}

type modelOffer struct {
	Model [32]byte `tlb:"bits 256"`
	Price Prices   `tlb:"."`
}

// Prices are the schema's form of a cocoon.Price.
type Prices struct {
	Prompt     Coins `tlb:"."`
	Cached     Coins `tlb:"."`
	Completion Coins `tlb:"."`
	Reasoning  Coins `tlb:"."`
}

// PricesOf is p as contracts keep it.
func PricesOf(p cocoon.Price) Prices {
	return Prices{Coins{p.Prompt}, Coins{p.Cached}, Coins{p.Completion}, Coins{p.Reasoning}}
}

// Price is p in our words.
func (p Prices) Price() cocoon.Price {
	return cocoon.Price{Prompt: p.Prompt.Nano, Cached: p.Cached.Nano, Completion: p.Completion.Nano, Reasoning: p.Reasoning.Nano}
}

// Validate says why a provider contract would refuse r, or a reader could not read it.
func (r WorkerRecord) Validate() error {
	switch {
	case r.GPUs == 0 || r.VRAMMiB == 0 || r.Concurrency == 0:
		return cocoon.Invalid.Errorf("a worker has at least one GPU, memory on it and one request at a time")
	case r.UptimeBps > 10_000:
		return cocoon.Invalid.Errorf("an uptime of %d is above 10000, which is always", r.UptimeBps)
	case len(r.Models) > MaxModels:
		return cocoon.Invalid.Errorf("a worker serves at most %d models, not %d", MaxModels, len(r.Models))
	}
	for i, m := range r.Models {
		for _, price := range []cocoon.Nano{m.Price.Prompt, m.Price.Cached, m.Price.Completion, m.Price.Reasoning} {
			if price.Cmp(priceLimit) >= 0 {
				return cocoon.Invalid.Errorf("model %s for %s a million tokens: a price stays below %s", m.Model, price, priceLimit)
			}
		}
		for _, other := range r.Models[:i] {
			if m.Model == other.Model {
				return cocoon.Invalid.Errorf("model %s is offered twice", m.Model)
			}
		}
	}
	return nil
}

// Cell encodes r; it is Invalid where Validate says so or a text does not fit.
func (r WorkerRecord) Cell() (*cell.Cell, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	raw := workerRecord{GPUs: r.GPUs, VRAMMiB: r.VRAMMiB, UptimeBps: r.UptimeBps, Concurrency: r.Concurrency}
	if err := padASCII(raw.GPU[:], r.GPU); err != nil {
		return nil, cocoon.Invalid.Errorf("GPU %w", err)
	}
	if err := padASCII(raw.Region[:], r.Region); err != nil {
		return nil, cocoon.Invalid.Errorf("region %w", err)
	}
	for i, cells := 0, raw.models(); i < len(r.Models); i += offersInCell {
		c, err := offersCell(r.Models[i:min(i+offersInCell, len(r.Models))])
		if err != nil {
			return nil, err
		}
		*cells[i/offersInCell] = c
	}
	return Cell(raw)
}

// DecodeWorkerRecord reads a record to its end. A contract bounds a record but
// leaves its models unread, so a record on chain may be Invalid here.
func DecodeWorkerRecord(c *cell.Cell) (WorkerRecord, error) {
	raw, err := Decode[workerRecord](c)
	if err != nil {
		return WorkerRecord{}, err
	}
	r := WorkerRecord{GPUs: raw.GPUs, VRAMMiB: raw.VRAMMiB, UptimeBps: raw.UptimeBps, Concurrency: raw.Concurrency}
	if r.GPU, err = unpadASCII(raw.GPU[:]); err != nil {
		return WorkerRecord{}, cocoon.Invalid.Errorf("GPU %w", err)
	}
	if r.Region, err = unpadASCII(raw.Region[:]); err != nil {
		return WorkerRecord{}, cocoon.Invalid.Errorf("region %w", err)
	}
	for i, c := range raw.models() {
		if *c == nil {
			continue
		}
		if len(r.Models) != i*offersInCell {
			return WorkerRecord{}, cocoon.Invalid.Errorf("offers lie behind a gap")
		}
		offers, err := readOffers(*c)
		if err != nil {
			return WorkerRecord{}, err
		}
		r.Models = append(r.Models, offers...)
	}
	return r, r.Validate()
}

// offersCell puts one or two offers in a cell.
func offersCell(offers []ModelOffer) (*cell.Cell, error) {
	b := cell.BeginCell()
	for _, m := range offers {
		c, err := Cell(modelOffer{m.Model, PricesOf(m.Price)})
		if err != nil {
			return nil, err
		}
		if err = b.StoreBuilder(c.ToBuilder()); err != nil {
			return nil, fmt.Errorf("encode the offer of %s: %w", m.Model, err)
		}
	}
	return b.EndCell(), nil
}

// readOffers reads one or two offers, to the end of their cell.
func readOffers(c *cell.Cell) (offers []ModelOffer, err error) {
	s, err := c.BeginParse()
	if err != nil {
		return nil, cocoon.Invalid.Errorf("read offers: %w", err)
	}
	for len(offers) == 0 || s.BitsLeft() > 0 {
		var o modelOffer
		if err = tlb.LoadFromCell(&o, s); err != nil {
			return nil, cocoon.Invalid.Errorf("read an offer: %w", err)
		}
		if offers = append(offers, ModelOffer{o.Model, o.Price.Price()}); len(offers) > offersInCell {
			return nil, cocoon.Invalid.Errorf("more than %d offers in a cell", offersInCell)
		}
	}
	if s.RefsNum() > 0 {
		return nil, cocoon.Invalid.Errorf("%d references beside offers", s.RefsNum())
	}
	return offers, nil
}

// padASCII fills to with s and zeros.
func padASCII(to []byte, s string) error {
	if len(s) > len(to) {
		return cocoon.Invalid.Errorf("%q is longer than %d characters", s, len(to))
	}
	copy(to, s)
	_, err := unpadASCII(to)
	return err
}

func unpadASCII(b []byte) (string, error) {
	text := bytes.TrimRight(b, "\x00")
	for _, c := range text {
		if c < ' ' || c > '~' {
			return "", cocoon.Invalid.Errorf("%q is not printable ASCII", text)
		}
	}
	return string(text), nil
}
