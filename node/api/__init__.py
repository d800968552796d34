"""The methods of the control socket: what a command's words mean to the services, one file for each kind of command."""
