package wrappers

// exits are the exit codes of our contracts, named as in
// contracts/imports/errors.fc.
var exits = map[int32]string{
	400: "wrong_sender", 401: "wrong_signature", 402: "wrong_key", 403: "wrong_network", 404: "wrong_contract", 405: "wrong_workchain",
	500: "not_enough_value", 501: "not_enough_stake", 502: "not_enough_free", 503: "over_allowance", 504: "wrong_amount", 505: "not_enough_bond",
	600: "wrong_phase", 601: "too_early", 602: "too_late", 603: "stale_revision", 604: "unknown_worker", 605: "worker_inactive",
	606: "too_many", 607: "wrong_record", 608: "no_terms", 609: "wrong_terms", 610: "wrong_page", 611: "wrong_order", 612: "wrong_sum",
	613: "already_claimed", 614: "pending", 615: "unknown_code", 616: "wrong_offer", 617: "unknown_entry", 618: "wrong_change",
	619: "wrong_evidence", 620: "already_slashed", 621: "wrong_number", 622: "wrong_endpoint", 623: "owing", 624: "deep_key",
	0xffff: "unknown_op",
}

// ExitName names an exit code that our contracts throw; "" for those of the TVM.
func ExitName(code int32) string { return exits[code] }
