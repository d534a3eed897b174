package contracts

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Artifact is a compiled contract as it lies in build/.
type Artifact struct {
	Name     string            `json:"name"` // of its source, without the extension
	Lang     string            `json:"lang"` // "func" or "tact"
	Compiler Compiler          `json:"compiler"`
	Sources  map[string]string `json:"sources"`   // SHA-256 in hex of every file compiled, by its path under contracts/
	CodeHash string            `json:"code_hash"` // representation hash of the code, in hex
	Cells    int               `json:"cells"`     // distinct cells of the code
	Bits     int               `json:"bits"`      // data bits in them
	BoC      []byte            `json:"boc"`
	Code     *cell.Cell        `json:"-"` // BoC, parsed; to be read only
}

// Compiler is the npm package that made an artefact.
type Compiler struct {
	Package   string `json:"package"`
	Version   string `json:"version"`
	Integrity string `json:"integrity"` // of the package's archive, as npm writes it
}

// NewArtifact measures and names the code in boc. The hash and the figures of
// an artefact come from here only.
func NewArtifact(name, lang string, by Compiler, sources map[string]string, boc []byte) (Artifact, error) {
	code, err := cell.FromBOC(boc)
	if err != nil {
		return Artifact{}, fmt.Errorf("parse the code of contract %s: %w", name, err)
	}
	a := Artifact{Name: name, Lang: lang, Compiler: by, Sources: sources, BoC: boc, Code: code}
	a.CodeHash = hex.EncodeToString(code.Hash())
	a.Cells, a.Bits, err = measure(code, map[string]bool{})
	return a, err
}

// Parse reads an artefact and checks that it describes the code it carries.
func Parse(raw []byte) (Artifact, error) {
	var said Artifact
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&said); err != nil {
		return Artifact{}, fmt.Errorf("decode the artefact: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Artifact{}, errors.New("decode the artefact: something follows it")
	}
	a, err := NewArtifact(said.Name, said.Lang, said.Compiler, said.Sources, said.BoC)
	switch {
	case err != nil:
		return Artifact{}, err
	case a.Name == "":
		return Artifact{}, errors.New("the artefact names no contract")
	case a.CodeHash != said.CodeHash:
		return Artifact{}, fmt.Errorf("contract %s: the code has hash %s, its artefact says %s", a.Name, a.CodeHash, said.CodeHash)
	case a.Cells != said.Cells || a.Bits != said.Bits:
		return Artifact{}, fmt.Errorf("contract %s: the code is %d cells and %d bits, its artefact says %d and %d",
			a.Name, a.Cells, a.Bits, said.Cells, said.Bits)
	}
	return a, nil
}

// Encode is the inverse of Parse; equal artefacts have equal bytes.
func (a Artifact) Encode() ([]byte, error) {
	raw, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the artefact of contract %s: %w", a.Name, err)
	}
	return append(raw, '\n'), nil
}

// measure counts each distinct cell once, as the network charges for them.
func measure(c *cell.Cell, seen map[string]bool) (cells, bits int, err error) {
	hash := string(c.Hash())
	if seen[hash] {
		return 0, 0, nil
	}
	seen[hash] = true
	cells, bits = 1, int(c.BitsSize())
	for i := range int(c.RefsNum()) {
		ref, err := c.PeekRef(i)
		if err != nil {
			return 0, 0, fmt.Errorf("measure the code: %w", err)
		}
		refCells, refBits, err := measure(ref, seen)
		if err != nil {
			return 0, 0, err
		}
		cells, bits = cells+refCells, bits+refBits
	}
	return cells, bits, nil
}
