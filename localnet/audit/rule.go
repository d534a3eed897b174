package audit

import "fmt"

// Rule names a group of checks.
type Rule string

// The rules, in the order of their checking. RuleParse to RuleUpdate cannot be waived:
// without them there is nothing to judge.
const (
	RuleParse        Rule = "parse"        // cells, hashes as claimed, every field where it belongs, sums of dictionaries
	RuleMasterRef    Rule = "master_ref"   // refers to a known masterchain block
	RulePrevious     Rule = "previous"     // follows blocks that are the newest of their shards
	RuleUpdate       Rule = "state_update" // leads from the old state to the new
	RuleHeader       Rule = "header"       // fields that agree with each other
	RuleTime         Rule = "time"         // later than all it follows, in lt and seconds
	RuleValidators   Rule = "validators"   // hash of the validator set
	RuleCatchain     Rule = "catchain"     // gen_catchain_seqno
	RuleKeyBlock     Rule = "key_block"    // key_block, prev_key_block_seqno
	RuleLayout       Rule = "layout"       // the masterchain allows this shard, split or merge here
	RuleState        Rule = "state"        // the new state's own fields
	RuleMinRef       Rule = "min_ref"      // min_ref_mc_seqno
	RuleHistory      Rule = "history"      // overload and underload history, want_split, want_merge
	RuleAccounts     Rule = "accounts"     // states of accounts change by their account blocks alone
	RuleTransactions Rule = "transactions" // chains of transactions
	RuleInbound      Rule = "inbound"      // in_msg_descr
	RuleOutbound     Rule = "outbound"     // out_msg_descr
	RuleImport       Rule = "import"       // what came in waited in a neighbour's queue
	RuleQueue        Rule = "queue"        // the queue changes by out_msg_descr alone
	RuleDequeue      Rule = "dequeue"      // what was taken out was delivered
	RuleProcessed    Rule = "processed"    // ProcessedInfo tells what was taken in, in order
	RuleFlow         Rule = "value_flow"   // money is neither made nor lost
	RuleFees         Rule = "fees"         // total_validator_fees
	RuleShards       Rule = "shards"       // shard_hashes name the newest shard blocks
	RuleAnnounced    Rule = "announced"    // splits and merges were announced in shard_hashes
	RuleShardFees    Rule = "shard_fees"   // shard_fees
	RuleMasterState  Rule = "master_state" // the masterchain's extra state
	RuleKeyLog       Rule = "key_log"      // key blocks in the masterchain's log of blocks
	RuleLibraries    Rule = "libraries"    // public libraries
	RuleDelivery     Rule = "delivery"     // every message is delivered once or waits in one queue
	RuleOrder        Rule = "order"        // messages between two accounts arrive as they were sent
)

// Violation is a block that breaks a rule.
type Violation struct {
	Block string
	Rule  Rule
	Err   error
}

func (v *Violation) Error() string {
	return fmt.Sprintf("audit: block %s breaks rule %s: %v", v.Block, v.Rule, v.Err)
}

func (v *Violation) Unwrap() error { return v.Err }

type check struct {
	rule Rule
	run  func() error
}

// judge runs the checks that are not waived, in order.
func (t *step) judge() error {
	b := t.block
	checks := []check{
		{RuleHeader, t.checkHeader}, {RuleTime, t.checkTime}, {RuleValidators, t.checkValidators}, {RuleCatchain, t.checkCatchain},
		{RuleKeyBlock, t.checkKeyBlock}, {RuleState, t.checkState}, {RuleMinRef, t.checkMinRef}, {RuleHistory, t.checkHistory},
		{RuleAccounts, t.checkAccounts}, {RuleTransactions, t.checkTransactions},
		{RuleInbound, b.checkInbound}, {RuleOutbound, b.checkOutbound}, {RuleImport, t.checkImports}, {RuleQueue, t.checkQueue},
		{RuleDequeue, t.checkDequeued}, {RuleProcessed, t.checkProcessed},
		{RuleFlow, b.checkOwnFlow}, {RuleFlow, t.checkFlow}, {RuleFees, t.checkFees},
	}
	if b.master == nil {
		checks = append(checks, check{RuleLayout, t.checkLayout})
	} else {
		checks = append(checks, check{RuleShards, t.checkShards}, check{RuleAnnounced, t.checkAnnounced}, check{RuleShardFees, t.checkShardFees},
			check{RuleMasterState, t.checkMasterState}, check{RuleKeyLog, t.checkKeyLog}, check{RuleLibraries, t.checkLibraries})
	}
	checks = append(checks, check{RuleDelivery, t.checkDelivery}, check{RuleOrder, t.checkOrder})
	for _, c := range checks {
		if t.waived[c.rule] {
			continue
		}
		if err := c.run(); err != nil {
			return t.violation(c.rule, err)
		}
	}
	return nil
}
