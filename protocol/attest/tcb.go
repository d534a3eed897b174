package attest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-tdx-guest/pcs"

	"github.com/cocoon-network/cocoon"
)

// Status is what Intel says of firmware.
type Status string

// The statuses, from best to worst.
const (
	UpToDate                          Status = "UpToDate"
	SWHardeningNeeded                 Status = "SWHardeningNeeded"
	ConfigurationNeeded               Status = "ConfigurationNeeded"
	ConfigurationAndSWHardeningNeeded Status = "ConfigurationAndSWHardeningNeeded"
	OutOfDate                         Status = "OutOfDate"
	OutOfDateConfigurationNeeded      Status = "OutOfDateConfigurationNeeded"
	Revoked                           Status = "Revoked"
)

var statuses = []Status{UpToDate, SWHardeningNeeded, ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate, OutOfDateConfigurationNeeded, Revoked}

// ParseStatus reads a status in Intel's words that a policy may allow: Revoked is none.
func ParseStatus(text string) (Status, error) {
	if s := Status(text); s != Revoked && slices.Contains(statuses, s) {
		return s, nil
	}
	return "", cocoon.WithHint(cocoon.Invalid.Errorf("%q is no TCB status that may be allowed", text), "they are %q", statuses[:len(statuses)-1])
}

// worst is the worst of given; one that is unknown is worse than all.
func worst(given ...Status) Status {
	return slices.MaxFunc(given, func(a, b Status) int { return rank(a) - rank(b) })
}

func rank(s Status) int {
	if i := slices.Index(statuses, s); i >= 0 {
		return i
	}
	return len(statuses)
}

// statuses are those of platform, module and quoting enclave.
func (d documents) statuses(pck *pcs.PckExtensions, q quote) ([]Status, error) {
	found, err := tcbStatuses(d.tcb, pck, q)
	if err != nil {
		return nil, err
	}
	enclave, err := enclaveStatus(d.enclave, q.qeReport)
	return append(found, enclave), err
}

// ppid names a platform.
func ppid(pck *pcs.PckExtensions) (id [16]byte, err error) {
	if n, err := hex.Decode(id[:], []byte(pck.PPID)); err != nil || n != len(id) {
		return id, because(ErrQuote, "the certificate names no platform")
	}
	return id, nil
}

// foreign reports that tcb is of another kind of platform than the one of pck.
func foreign(tcb pcs.TcbInfo, pck *pcs.PckExtensions) error {
	if tcb.ID != "TDX" || tcb.Version != 3 {
		return because(ErrForeignCollateral, "TCB info %q of version %d", tcb.ID, tcb.Version)
	}
	if !strings.EqualFold(tcb.Fmspc, pck.FMSPC) || !strings.EqualFold(tcb.PceID, pck.PCEID) {
		return because(ErrForeignCollateral, "TCB info of FMSPC %s, quote of %s", tcb.Fmspc, pck.FMSPC)
	}
	return nil
}

// tcbStatuses are those of the platform and of its TDX module. Both count: an old
// platform is not made good by a new module.
func tcbStatuses(tcb pcs.TcbInfo, pck *pcs.PckExtensions, q quote) ([]Status, error) {
	if err := foreign(tcb, pck); err != nil {
		return nil, err
	}
	svn := q.teeTCB()
	i := slices.IndexFunc(tcb.TcbLevels, func(l pcs.TcbLevel) bool {
		from := 0
		if svn[1] > 0 { // then the first two are the module's, which has levels of its own
			from = 2
		}
		return reached(pck.TCB.CPUSvnComponents, l.Tcb.SgxTcbcomponents, 0) && pck.TCB.PCESvn >= l.Tcb.Pcesvn && reached(svn, l.Tcb.TdxTcbcomponents, from)
	})
	if i < 0 {
		return nil, because(ErrTCB, "below every level that is known of the platform")
	}
	platform := Status(tcb.TcbLevels[i].TcbStatus)
	if svn[1] == 0 {
		return []Status{platform}, moduleIs(q, tcb.TdxModule.Mrsigner, tcb.TdxModule.Attributes, tcb.TdxModule.AttributesMask)
	}
	module, err := moduleStatus(tcb, q)
	return []Status{platform, module}, err
}

func moduleStatus(tcb pcs.TcbInfo, q quote) (Status, error) {
	svn, name := q.teeTCB(), fmt.Sprintf("TDX_%02x", q.teeTCB()[1])
	i := slices.IndexFunc(tcb.TdxModuleIdentities, func(m pcs.TdxModuleIdentity) bool { return strings.EqualFold(m.ID, name) })
	if i < 0 {
		return "", because(ErrModule, "%s is unknown", name)
	}
	m := tcb.TdxModuleIdentities[i]
	if err := moduleIs(q, m.Mrsigner, m.Attributes, m.AttributesMask); err != nil {
		return "", err
	}
	return isvStatus(m.TcbLevels, uint32(svn[0]), name)
}

func moduleIs(q quote, signer, attributes, mask pcs.HexBytes) error {
	if !bytes.Equal(q.moduleSign(), signer.Bytes) || !masked(q.moduleAttr(), mask.Bytes, attributes.Bytes) {
		return because(ErrModule, "MRSIGNERSEAM or attributes are not those of the TCB info")
	}
	return nil
}

// enclaveStatus is that of the quoting enclave, once it is shown to be Intel's.
func enclaveStatus(id pcs.EnclaveIdentity, report []byte) (Status, error) {
	if id.ID != "TD_QE" || id.Version != 2 {
		return "", because(ErrForeignCollateral, "enclave identity %q of version %d", id.ID, id.Version)
	}
	ok := masked(report[16:20], id.MiscselectMask.Bytes, id.Miscselect.Bytes) &&
		masked(report[48:64], id.AttributesMask.Bytes, id.Attributes.Bytes) &&
		bytes.Equal(report[128:160], id.Mrsigner.Bytes) && binary.LittleEndian.Uint16(report[256:]) == id.IsvProdID
	if !ok {
		return "", because(ErrEnclave, "MRSIGNER %x, product %d", report[128:132], binary.LittleEndian.Uint16(report[256:]))
	}
	return isvStatus(id.TcbLevels, uint32(binary.LittleEndian.Uint16(report[258:])), "the quoting enclave")
}

// isvStatus is the status of the first level, from the newest, that svn reaches.
func isvStatus(levels []pcs.TcbLevel, svn uint32, of string) (Status, error) {
	for _, l := range levels {
		if svn >= l.Tcb.Isvsvn {
			return Status(l.TcbStatus), nil
		}
	}
	return "", because(ErrTCB, "%s is below every level that is known", of)
}

func reached(svn []byte, components []pcs.TcbComponent, from int) bool {
	if len(svn) != len(components) {
		return false
	}
	for i := from; i < len(svn); i++ {
		if svn[i] < components[i].Svn {
			return false
		}
	}
	return true
}

// masked reports whether value under mask is want; all have one length.
func masked(value, mask, want []byte) bool {
	if len(value) != len(mask) || len(value) != len(want) {
		return false
	}
	for i := range value {
		if value[i]&mask[i] != want[i] {
			return false
		}
	}
	return true
}
