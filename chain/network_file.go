package chain

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/netip"

	"github.com/cocoon-network/cocoon"
)

// networkFile is the part of a global.config.json we need, and our own object.
type networkFile struct {
	Type        string           `json:"@type"`
	Liteservers []serverEntry    `json:"liteservers"`
	Validator   validatorSection `json:"validator"`
	Cocoon      *cocoonSection   `json:"cocoon,omitempty"`
}

type serverEntry struct {
	IP   int64    `json:"ip"` // the address as a signed 32-bit number
	Port int      `json:"port"`
	ID   keyEntry `json:"id"`
}

type keyEntry struct {
	Type string `json:"@type"`
	Key  []byte `json:"key"`
}

type validatorSection struct {
	Type      string      `json:"@type"`
	ZeroState *blockEntry `json:"zero_state"`
	InitBlock *blockEntry `json:"init_block"`
}

type blockEntry struct {
	Workchain int32  `json:"workchain"`
	Shard     int64  `json:"shard"`
	SeqNo     uint32 `json:"seqno"`
	RootHash  []byte `json:"root_hash"`
	FileHash  []byte `json:"file_hash"`
}

type cocoonSection struct {
	Name     string          `json:"name,omitempty"`
	GlobalID int32           `json:"global_id,omitempty"`
	Registry *cocoon.Account `json:"registry,omitempty"`
}

// ParseNetwork reads the text of a network file; see LoadNetwork.
func ParseNetwork(data []byte) (Network, error) {
	if len(data) > maxNetworkFile {
		return Network{}, cocoon.Invalid.Errorf("longer than %d bytes", maxNetworkFile)
	}
	var f networkFile
	if err := json.Unmarshal(data, &f); err != nil {
		return Network{}, cocoon.Invalid.Errorf("not a global.config.json: %w", err)
	}
	n := Network{}
	if err := f.blocks(&n); err != nil {
		return Network{}, err
	}
	for i, s := range f.Liteservers {
		server, err := s.liteserver()
		if err != nil {
			return Network{}, cocoon.Invalid.Errorf("liteserver %d: %w", i, err)
		}
		n.Liteservers = append(n.Liteservers, server)
	}
	if len(n.Liteservers) == 0 {
		return Network{}, cocoon.WithHint(cocoon.Invalid.Errorf("no liteserver is listed"),
			`add one to "liteservers" or download a complete global.config.json`)
	}
	if f.Cocoon != nil {
		n.Name, n.GlobalID = f.Cocoon.Name, f.Cocoon.GlobalID
		if f.Cocoon.Registry != nil {
			n.Registry = *f.Cocoon.Registry
		}
	}
	if id, public := publicNetworks[n.Name]; public && n.GlobalID == 0 {
		n.GlobalID = id
	} else if public && n.GlobalID != id {
		return Network{}, cocoon.Invalid.Errorf("named %s, but its global id is %d, not %d", n.Name, n.GlobalID, id)
	}
	return n, nil
}

func (f networkFile) blocks(n *Network) error {
	for _, b := range []struct {
		name  string
		entry *blockEntry
		into  *BlockID
	}{{"zero_state", f.Validator.ZeroState, &n.ZeroState}, {"init_block", f.Validator.InitBlock, &n.Trusted}} {
		if b.entry == nil {
			return cocoon.Invalid.Errorf("validator.%s is missing", b.name)
		}
		if b.entry.Workchain != -1 || b.entry.Shard != math.MinInt64 {
			return cocoon.Invalid.Errorf("validator.%s is not in the masterchain", b.name)
		}
		if len(b.entry.RootHash) != 32 || len(b.entry.FileHash) != 32 {
			return cocoon.Invalid.Errorf("validator.%s: a hash is not 32 bytes of base64", b.name)
		}
		*b.into = BlockID(*b.entry)
	}
	if n.ZeroState.SeqNo != 0 {
		return cocoon.Invalid.Errorf("validator.zero_state has seqno %d, not 0", n.ZeroState.SeqNo)
	}
	return nil
}

func (s serverEntry) liteserver() (Liteserver, error) {
	if s.IP < math.MinInt32 || s.IP > math.MaxUint32 {
		return Liteserver{}, cocoon.Invalid.Errorf("ip %d is not an IPv4 address", s.IP)
	}
	if s.Port < 1 || s.Port > math.MaxUint16 {
		return Liteserver{}, cocoon.Invalid.Errorf("port %d is out of range", s.Port)
	}
	if len(s.ID.Key) != ed25519.PublicKeySize {
		return Liteserver{}, cocoon.Invalid.Errorf("id.key is not 32 bytes of base64")
	}
	ip := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(s.IP))))
	return Liteserver{Addr: netip.AddrPortFrom(ip, uint16(s.Port)).String(), Key: bytes.Clone(s.ID.Key)}, nil
}

// MarshalJSON writes what ParseNetwork reads.
func (n Network) MarshalJSON() ([]byte, error) {
	zero, trusted := blockEntry(n.ZeroState), blockEntry(n.Trusted)
	f := networkFile{Type: "config.global", Cocoon: &cocoonSection{Name: n.Name, GlobalID: n.GlobalID},
		Validator: validatorSection{Type: "validator.config.global", ZeroState: &zero, InitBlock: &trusted}}
	if !n.Registry.IsZero() {
		f.Cocoon.Registry = &n.Registry
	}
	for _, s := range n.Liteservers {
		addr, err := netip.ParseAddrPort(s.Addr)
		if err != nil || !addr.Addr().Is4() {
			return nil, cocoon.Invalid.Errorf("liteserver %q is not an IPv4 address and port", s.Addr)
		}
		ip := addr.Addr().As4()
		f.Liteservers = append(f.Liteservers, serverEntry{IP: int64(int32(binary.BigEndian.Uint32(ip[:]))),
			Port: int(addr.Port()), ID: keyEntry{"pub.ed25519", s.Key}})
	}
	return json.MarshalIndent(f, "", "  ")
}

// UnmarshalJSON is ParseNetwork.
func (n *Network) UnmarshalJSON(data []byte) error {
	v, err := ParseNetwork(data)
	if err == nil {
		*n = v
	}
	return err
}
