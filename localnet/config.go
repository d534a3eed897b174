package localnet

import (
	"crypto/ed25519"
	"fmt"
	"math/big"
	"time"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tlb"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

const (
	// DefaultGlobalID is the global_id of a chain that names none.
	DefaultGlobalID = -217
	// DefaultGlobalVersion is the global_version of a chain that names none.
	DefaultGlobalVersion = 14

	// capBounceMsgBody, capReportVersion and capShortDequeue: what the chain really does, no more.
	capabilities = 4 | 8 | 64
	// validatorWeight is all the voting weight there is: one key holds it.
	validatorWeight = 1 << 40
	// configLifetime is how long the validator set stays valid, in seconds.
	configLifetime = 1 << 30
)

// ConfigOptions are the choices in a blockchain config. The zero value makes a
// config good for executing transactions, but not for a chain: that one needs a
// validator and a basechain zerostate.
type ConfigOptions struct {
	GlobalID      int32             // 0 means DefaultGlobalID
	GlobalVersion uint32            // 0 means DefaultGlobalVersion
	Validator     ed25519.PublicKey // signs every block; nil means a key nobody holds
	Since         time.Time         // start of the validator set; zero means the epoch
	// Hashes of the basechain's zerostate, 32 bytes each; nil means zeros.
	ZeroRootHash, ZeroFileHash []byte
	// Special are masterchain accounts that pay no gas and may be tick-tock,
	// beside the contracts of config and elector.
	Special []*address.Address
	// MinSplit is the depth that shards of the basechain have at least, up to 4.
	MinSplit uint8
}

// BlockchainConfig builds the config parameters, a dictionary of parameter
// number (32 bits) to referenced cell. Prices are those of mainnet since June
// 2026; masterchain prices keep their old multiple of the basechain's.
func BlockchainConfig(o ConfigOptions) (*cell.Dictionary, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	p := newParams()
	p.add(0, bits256(configAddress()))
	p.add(1, bits256(electorAddress()))
	p.add(8, tlb.GlobalVersion{Version: o.GlobalVersion, Capabilities: capabilities})
	p.add(9, p.set(0, 1, 8, 9, 10, 12, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 28, 29, 31, 34))
	p.add(10, p.set(0, 1, 9, 10, 12, 14, 15, 16, 17, 32, 34, 36))
	p.add(11, votingSetup())
	p.add(12, tlb.WorkchainsConfig{Workchains: p.dict(32, basechain(o))})
	// A block creates no coins here: the sum of all balances, queues and fees is constant.
	p.add(14, tlb.BlockCreateFees{MasterchainBlockFee: tlb.FromNanoTONU(0), BasechainBlockFee: tlb.FromNanoTONU(0)})
	p.add(15, tlb.ValidatorElectionTimings{ValidatorsElectedFor: 65536, ElectionsStartBefore: 32768, ElectionsEndBefore: 8192, StakeHeldFor: 32768})
	p.add(16, tlb.ValidatorCountLimits{MaxValidators: 1, MaxMainValidators: 1, MinValidators: 1})
	p.add(17, tlb.ValidatorStakeLimits{MinStake: tlb.FromNanoTONU(1e13), MaxStake: tlb.FromNanoTONU(1e16), MinTotalStake: tlb.FromNanoTONU(1e13), MaxStakeFactor: 3 << 16})
	addPrices(p)
	p.add(19, tlb.GlobalIDConfig{GlobalID: o.GlobalID})
	p.add(28, tlb.CatchainConfigV2{McCatchainLifetime: 250, ShardCatchainLifetime: 250, ShardValidatorsLifetime: 1000, ShardValidatorsNum: 1})
	p.add(29, tlb.ConsensusConfigV3{RoundCandidates: 3, NextCandidateDelayMs: 2000, ConsensusTimeoutMs: 16000, FastAttempts: 3,
		AttemptDuration: 8, CatchainMaxDeps: 4, MaxBlockBytes: 2 << 20, MaxCollatedBytes: 2 << 20, ProtoVersion: 3})
	p.add(31, tlb.FundamentalSmartContractAddresses{Addresses: p.addresses(append(o.special(), configAddress(), electorAddress())...)})
	p.add(34, p.validators(o))
	p.add(45, tlb.PrecompiledContractsConfig{List: cell.NewDict(256)})
	// Parameter 43 stays out, as on mainnet: its newest form is read differently by the executors there are.
	return p.params, p.err
}

func (o *ConfigOptions) special() (ids []accountID) {
	for _, a := range o.Special {
		ids = append(ids, accountID(a.Data()))
	}
	return ids
}

func (o *ConfigOptions) complete() error {
	for _, a := range o.Special {
		if id, err := parseAddress(a); err != nil || id.workchain != masterchainID {
			return fmt.Errorf("blockchain config: special account %v is not of the masterchain", a)
		}
	}
	if o.GlobalID == 0 {
		o.GlobalID = DefaultGlobalID
	}
	if o.GlobalVersion == 0 {
		o.GlobalVersion = DefaultGlobalVersion
	}
	if o.Since.IsZero() {
		o.Since = time.Unix(0, 0)
	}
	for _, field := range []struct {
		name  string
		value *[]byte
	}{{"validator key", (*[]byte)(&o.Validator)}, {"zerostate root hash", &o.ZeroRootHash}, {"zerostate file hash", &o.ZeroFileHash}} {
		if *field.value == nil {
			*field.value = make([]byte, 32)
		}
		if len(*field.value) != 32 {
			return fmt.Errorf("blockchain config: %s has %d bytes, not 32", field.name, len(*field.value))
		}
	}
	return nil
}

func votingSetup() tlb.ConfigVotingSetup {
	setup := func(minRounds, maxRounds, wins, losses uint8) *tlb.ConfigProposalSetup {
		return &tlb.ConfigProposalSetup{MinTotRounds: minRounds, MaxTotRounds: maxRounds, MinWins: wins, MaxLosses: losses,
			MinStoreSec: 1e6, MaxStoreSec: 1e7, BitPrice: 1, CellPrice: 500}
	}
	return tlb.ConfigVotingSetup{NormalParams: setup(2, 3, 2, 2), CriticalParams: setup(4, 7, 4, 2)}
}

// basechain is workchain 0.
func basechain(o ConfigOptions) tlb.WorkchainDescrV1 {
	return tlb.WorkchainDescrV1{WorkchainDescrFields: tlb.WorkchainDescrFields{EnabledSince: 1, MinSplit: o.MinSplit, MaxSplit: maxShardDepth, Basic: true, Active: true, AcceptMsgs: true,
		ZeroStateRootHash: o.ZeroRootHash, ZeroStateFileHash: o.ZeroFileHash, Format: tlb.WorkchainFormatBasic{VMVersion: -1}}}
}

// params collects config parameters and keeps the first error.
type params struct {
	params *cell.Dictionary
	err    error
}

func newParams() *params { return &params{params: cell.NewDict(32)} }

func (p *params) keep(err error) {
	if p.err == nil {
		p.err = err
	}
}

// add sets a parameter to a cell or to anything that serialises into one.
func (p *params) add(id int64, value any) {
	c, ok := value.(*cell.Cell)
	if !ok {
		var err error
		if c, err = tlb.ToCell(value); err != nil {
			p.keep(fmt.Errorf("blockchain config: parameter %d: %w", id, err))
			return
		}
	}
	p.keep(p.params.SetIntKey(big.NewInt(id), cell.BeginCell().MustStoreRef(c).EndCell()))
}

// dict maps 0, 1, 2... to values.
func (p *params) dict(bits uint, values ...any) *cell.Dictionary {
	d := cell.NewDict(bits)
	for i, value := range values {
		c, err := tlb.ToCell(value)
		if err == nil {
			err = d.SetIntKey(big.NewInt(int64(i)), c)
		}
		p.keep(err)
	}
	return d
}

// set is a set of parameter numbers, its root inlined.
func (p *params) set(ids ...int64) *cell.Cell {
	d := cell.NewDict(32)
	for _, id := range ids {
		p.keep(d.SetIntKey(big.NewInt(id), cell.BeginCell().EndCell()))
	}
	return d.AsCell()
}

func (p *params) addresses(all ...accountID) *cell.Dictionary {
	d := cell.NewDict(256)
	for _, a := range all {
		p.keep(d.Set(a.key(), cell.BeginCell().EndCell()))
	}
	return d
}

func (p *params) validators(o ConfigOptions) tlb.ValidatorSetExt {
	since := uint32(o.Since.Unix())
	one := tlb.ValidatorAddr{PublicKey: tlb.SigPubKeyED25519{Key: o.Validator}, Weight: validatorWeight, ADNLAddr: make([]byte, 32)}
	return tlb.ValidatorSetExt{UTimeSince: since, UTimeUntil: since + configLifetime, Total: 1, Main: 1, TotalWeight: validatorWeight, List: p.dict(16, one)}
}
