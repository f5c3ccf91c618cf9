// Package content has the tests of Vedette's own detection rules, which lie in the folder rules at the top of the
// repository: that each is complete, loads without a warning, and tells a recorded deed from its near miss.
package content
