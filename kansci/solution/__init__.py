"""From a solved differential equation to a closed form, its proof and its error bound."""
