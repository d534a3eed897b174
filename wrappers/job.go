package wrappers

// jobMessages are the operations of the job contract, in schema order.
var jobMessages = []layout{}
