//go:build !unix

package main

// descriptorLimit is how many descriptors the process may open. There is no
// limit worth the name.
func descriptorLimit() int { return mostDescriptors }
