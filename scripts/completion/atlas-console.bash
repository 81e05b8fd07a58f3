# Completion of atlas-console's options, sockets and first command words, for bash.
# Use: source it, or put it into /usr/share/bash-completion/completions/atlas-console

_atlas_console() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} name
  COMPREPLY=()
  case $before in
    -c | --command)
      # A command is one word of the shell: offer how it may begin, and leave its quote open.
      local IFS=$'\n'
      mapfile -t COMPREPLY < <(compgen -W $'ACL\nCOUNT\nGROUP\nHELP\nINFO\nKEY\nNODE\nPRINCIPAL\nQUORUM
SAMPLE\nSCAN\nTABLE\nWATCH' -- "${word#[\"\']}")
      compopt -o nospace
      return
      ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W '-c --command --json --time --help --version' -- "$word")
    return
  fi
  # Sockets, and the directories on the way to them.
  compopt -o filenames
  while IFS= read -r name; do
    if [[ -S $name || -d $name ]]; then COMPREPLY+=("$name"); fi
  done < <(compgen -f -- "$word")
}

complete -F _atlas_console atlas-console
