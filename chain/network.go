// Package chain is the way to TON: which network, which liteservers, what is
// proven of their answers, and a wallet that sends. Money that moves through it
// is in nanoTON, and an answer that is not proven is an error.
package chain

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/xssnick/tonutils-go/ton"

	"github.com/cocoon-network/cocoon"
)

// BlockID names one block by place and by hash.
type BlockID = ton.BlockIDExt

// Global ids of the public networks. Every other network chooses its own.
const (
	Mainnet int32 = -239
	Testnet int32 = -3
)

var publicNetworks = map[string]int32{"mainnet": Mainnet, "testnet": Testnet}

// Network is one TON network and how to reach and recognise it.
type Network struct {
	Name        string         // "localnet", "testnet", "mainnet" or what its file says; may be empty
	GlobalID    int32          // 0 where its file does not say; a Client learns it from the chain
	Registry    cocoon.Account // nobody where none is known
	Liteservers []Liteserver
	Trusted     BlockID // the block proofs start from: a masterchain key block
	ZeroState   BlockID // what the chain began with; seqno 0
}

// Liteserver is one server that answers about the chain.
type Liteserver struct {
	Addr string // IPv4 address and port
	Key  ed25519.PublicKey
}

// Testing tells whether coins of the network are without worth, so that
// addresses are shown with the mark for it.
func (n Network) Testing() bool { return n.GlobalID != Mainnet }

const maxNetworkFile = 1 << 20

// LoadNetwork reads a network file: the global.config.json of any TON network,
// to which an object "cocoon" may add name, global_id and registry. Of a public
// network only the global id is known here, not its liteservers, so that
// "mainnet" and "testnet" are refused with a hint where to get the file.
func LoadNetwork(nameOrPath string) (Network, error) {
	f, err := os.Open(nameOrPath)
	if err != nil {
		return Network{}, noSuchNetwork(nameOrPath, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxNetworkFile+1))
	if err != nil {
		return Network{}, cocoon.Invalid.Errorf("read network file %s: %w", nameOrPath, err)
	}
	n, err := ParseNetwork(data)
	if err != nil {
		return Network{}, fmt.Errorf("network file %s: %w", nameOrPath, err)
	}
	if n.Name == "" {
		n.Name = strings.TrimSuffix(filepath.Base(nameOrPath), ".json")
	}
	return n, nil
}

func noSuchNetwork(name string, cause error) error {
	switch id, public := publicNetworks[name]; {
	case public:
		return cocoon.WithHint(cocoon.NotFound.Errorf("no liteservers of %s (global id %d) are known", name, id),
			"download the global.config.json of %s from its maintainers and give its path as the network", name)
	case name == "localnet":
		return cocoon.WithHint(cocoon.NotFound.Errorf("no local network is known"),
			"start one and give the path of the network file it writes")
	case filepath.Base(name) == name && filepath.Ext(name) == "":
		return cocoon.WithHint(cocoon.NotFound.Errorf("unknown network %q", name),
			"use localnet, testnet, mainnet or the path of a global.config.json")
	}
	return cocoon.WithHint(cocoon.NotFound.Errorf("open network file: %w", cause),
		"give the path of a global.config.json")
}

// Save writes the network as a file that LoadNetwork and, but for the object
// "cocoon", every other TON program reads. An older file is replaced at once or
// stays as it was.
func (n Network) Save(path string) error {
	data, err := n.MarshalJSON()
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".network-*")
	if err != nil {
		return fmt.Errorf("save network: %w", err)
	}
	_, err = tmp.Write(append(data, '\n'))
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(tmp.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("save network: %w", err), os.Remove(tmp.Name()))
	}
	return nil
}
