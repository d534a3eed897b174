package wrappers

// registryMessages are the operations of the registry contract, in schema order.
var registryMessages = []layout{}
