package wrappers

// providerMessages are the operations of the provider contract, in schema order.
var providerMessages = []layout{}
