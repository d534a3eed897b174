package wrappers

// epochMessages are the operations of the epoch contract, in schema order.
var epochMessages = []layout{}
