package cocoon

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Account is the id of a contract or wallet in the basechain, workchain 0.
// Our contracts keep and pay no others. The zero account is nobody.
type Account [32]byte

const bounceable, nonBounceable, testOnly = 0x11, 0x51, 0x80

// ParseAccount reads any form of a basechain address: raw ("0:" and 64 hex
// digits) or user-friendly (48 characters of base64, either alphabet).
func ParseAccount(s string) (Account, error) {
	if rest, ok := strings.CutPrefix(s, "0:"); ok {
		b, err := hex.DecodeString(rest)
		if err != nil || len(b) != len(Account{}) {
			return Account{}, Invalid.Errorf("address %q: after 0: come 64 hex digits", s)
		}
		return Account(b), nil
	}
	if strings.HasPrefix(s, "-1:") {
		return Account{}, Invalid.Errorf("address %q is in the masterchain; use a basechain one", s)
	}
	b, err := base64.URLEncoding.Strict().DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(s))
	if err != nil || len(b) != 36 {
		return Account{}, Invalid.Errorf("address %q is neither raw (0:hex) nor user-friendly (48 characters)", s)
	}
	if crc := crc16(b[:34]); b[34] != byte(crc>>8) || b[35] != byte(crc) {
		return Account{}, Invalid.Errorf("address %q has a wrong checksum; was it typed by hand?", s)
	}
	if tag := b[0] &^ testOnly; tag != bounceable && tag != nonBounceable {
		return Account{}, Invalid.Errorf("address %q begins with an unknown tag", s)
	}
	if b[1] != 0 {
		return Account{}, Invalid.Errorf("address %q is in workchain %d; use a basechain one", s, int8(b[1]))
	}
	return Account(b[2:34]), nil
}

// crc16 is CRC-16/XMODEM, the checksum inside user-friendly addresses.
func crc16(data []byte) uint16 {
	var crc uint16
	for _, b := range data {
		crc ^= uint16(b) << 8
		for range 8 {
			carry := crc & 0x8000
			crc <<= 1
			if carry != 0 {
				crc ^= 0x1021
			}
		}
	}
	return crc
}

// IsZero reports whether a is nobody.
func (a Account) IsZero() bool { return a == Account{} }

// String is the raw form, which is the same on every network.
func (a Account) String() string { return "0:" + hex.EncodeToString(a[:]) }

// Friendly is the form wallets show: bounceable for contracts, not for wallets
// that may not be deployed yet.
func (a Account) Friendly(bounce, testnet bool) string {
	b := make([]byte, 2, 36)
	b[0] = nonBounceable
	if bounce {
		b[0] = bounceable
	}
	if testnet {
		b[0] |= testOnly
	}
	b = append(b, a[:]...)
	crc := crc16(b)
	return base64.URLEncoding.EncodeToString(append(b, byte(crc>>8), byte(crc)))
}

// MarshalText writes the raw form.
func (a Account) MarshalText() ([]byte, error) { return hex.AppendEncode([]byte("0:"), a[:]), nil }

// UnmarshalText reads any form ParseAccount does.
func (a *Account) UnmarshalText(b []byte) error {
	v, err := ParseAccount(string(b))
	if err == nil {
		*a = v
	}
	return err
}
