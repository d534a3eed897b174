//go:build cgo && emulator && linux && amd64

package reference

/*
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
bool emulator_set_verbosity_level(int level);
void *transaction_emulator_create(const char *config, int verbosity);
void transaction_emulator_destroy(void *emulator);
bool transaction_emulator_set_unixtime(void *emulator, uint32_t now);
bool transaction_emulator_set_lt(void *emulator, uint64_t lt);
bool transaction_emulator_set_rand_seed(void *emulator, const char *seed);
bool transaction_emulator_set_libs(void *emulator, const char *libraries);
const char *transaction_emulator_emulate_transaction(void *emulator, const char *account, const char *message);
const char *transaction_emulator_emulate_tick_tock_transaction(void *emulator, const char *account, bool tock);
*/
import "C"

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"unsafe"

	// It links libemulator and tells the loader where that lies.
	_ "github.com/tonkeeper/tongo/txemulator"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Emulator is one C++ transaction emulator. It is not safe for concurrent use.
type Emulator struct{ handle unsafe.Pointer }

// New makes an emulator of a blockchain config and the libraries of the
// masterchain, a dictionary of hash to cell; nil where there are none.
func New(config, libraries *cell.Cell) (*Emulator, error) {
	C.emulator_set_verbosity_level(0) // it logs all that it does unless told otherwise
	boc := text(config)
	defer C.free(unsafe.Pointer(boc))
	e := &Emulator{C.transaction_emulator_create(boc, 0)}
	if e.handle == nil {
		return nil, errors.New("create an emulator: it refuses the config")
	}
	if libraries == nil {
		return e, nil
	}
	boc = text(libraries)
	defer C.free(unsafe.Pointer(boc))
	if !C.transaction_emulator_set_libs(e.handle, boc) {
		return nil, errors.New("create an emulator: it refuses the libraries")
	}
	return e, nil
}

// Close frees what the emulator holds.
func (e *Emulator) Close() { C.transaction_emulator_destroy(e.handle) }

// Moment is when a transaction happens.
type Moment struct {
	Now  uint32 // unix seconds
	LT   uint64
	Seed [32]byte // of the block
}

// Result is what the emulator made of a message.
type Result struct {
	Transaction, Account *cell.Cell // nil where there is none
	Refusal              string     // then why
	ExitCode             *int32     // and with what, if the contract did not accept the message
}

// Transaction executes message on a ShardAccount.
func (e *Emulator) Transaction(account, message *cell.Cell, at Moment) (Result, error) {
	m := text(message)
	defer C.free(unsafe.Pointer(m))
	return e.run(account, at, func(a *C.char) *C.char { return C.transaction_emulator_emulate_transaction(e.handle, a, m) })
}

// TickTock executes a transaction of the masterchain's own on a ShardAccount.
func (e *Emulator) TickTock(account *cell.Cell, tock bool, at Moment) (Result, error) {
	return e.run(account, at, func(a *C.char) *C.char {
		return C.transaction_emulator_emulate_tick_tock_transaction(e.handle, a, C.bool(tock))
	})
}

func (e *Emulator) run(account *cell.Cell, at Moment, execute func(*C.char) *C.char) (r Result, err error) {
	if err = e.set(at); err != nil {
		return r, err
	}
	a := text(account)
	defer C.free(unsafe.Pointer(a))
	raw := execute(a)
	defer C.free(unsafe.Pointer(raw))
	var answer struct {
		Success      bool
		Error        string
		Transaction  string
		ShardAccount string `json:"shard_account"`
		ExitCode     *int32 `json:"vm_exit_code"`
	}
	if err = json.Unmarshal([]byte(C.GoString(raw)), &answer); err != nil {
		return r, fmt.Errorf("read the emulator's answer: %w", err)
	}
	if !answer.Success {
		return Result{Refusal: answer.Error, ExitCode: answer.ExitCode}, nil
	}
	if r.Transaction, err = parse(answer.Transaction); err != nil {
		return r, err
	}
	r.Account, err = parse(answer.ShardAccount)
	return r, err
}

func (e *Emulator) set(at Moment) error {
	seed := C.CString(hex.EncodeToString(at.Seed[:]))
	defer C.free(unsafe.Pointer(seed))
	if !C.transaction_emulator_set_unixtime(e.handle, C.uint32_t(at.Now)) || !C.transaction_emulator_set_lt(e.handle, C.uint64_t(at.LT)) ||
		!C.transaction_emulator_set_rand_seed(e.handle, seed) {
		return errors.New("set the emulator's moment: refused")
	}
	return nil
}

func text(c *cell.Cell) *C.char { return C.CString(base64.StdEncoding.EncodeToString(c.ToBOC())) }

func parse(boc string) (*cell.Cell, error) {
	raw, err := base64.StdEncoding.DecodeString(boc)
	if err != nil {
		return nil, fmt.Errorf("read the emulator's answer: %w", err)
	}
	return cell.FromBOC(raw)
}
