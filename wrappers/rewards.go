package wrappers

// rewardsMessages are the operations of the rewards contract, in schema order.
var rewardsMessages = []layout{}
