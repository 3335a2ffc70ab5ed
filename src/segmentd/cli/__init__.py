"""The commands. Calls go through segmentd.client; what is printed is made in the modules that begin with `show_`."""
