/**
 * The completion scripts.
 *
 * Each script passes the line up to the cursor to `llama completion -line`, which prints one line
 * per candidate: the word, a tab and its description; or `:files` or `:directories`, which the shell
 * completes itself.
 *
 * @module
 */

import type { Shell } from "./shells.ts";

// Bash shows no descriptions, and also splits words at =: for -progress=bar it completes bar.
const bash = `# bash completion for llama. In ~/.bashrc: source <(llama completion bash)
_llama() {
  local word meaning
  COMPREPLY=()
  while IFS=$'\\t' read -r word meaning; do
    case $word in
      :files) compopt -o default ;;
      :directories) compopt -o dirnames ;;
      *)
        [[ $COMP_WORDBREAKS == *=* ]] && word=\${word#*=}
        COMPREPLY+=("$word")
        ;;
    esac
  done < <(llama completion -line "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -F _llama llama
`;

const zsh = `#compdef llama
# zsh completion for llama. In ~/.zshrc, after compinit: source <(llama completion zsh)
_llama() {
  local line word meaning kind
  local -a words_found
  for line in \${(f)"$(llama completion -line "\${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)"}; do
    if [[ $line == :* ]]; then
      kind=$line
    else
      word=\${line%%$'\\t'*}
      meaning=\${line#*$'\\t'}
      words_found+=("\${word//:/\\\\:}\${meaning:+:$meaning}")
    fi
  done
  (( $#words_found )) && _describe 'llama' words_found
  [[ -n $kind && $PREFIX == -*=* ]] && compset -P '*='
  case $kind in
    :files) _files ;;
    :directories) _files -/ ;;
  esac
}
if [[ $funcstack[1] == _llama ]]; then _llama; else compdef _llama llama; fi
`;

const fish = `# fish completion for llama. Into ~/.config/fish/completions/llama.fish
function __llama_complete
    set -l token (commandline -ct)
    set -l flag (string match -r -- '^-[^=]*=' $token)
    set -l value (string replace -r -- '^-[^=]*=' '' $token)
    for line in (llama completion -line (commandline -cp | string collect) 2>/dev/null)
        switch $line
            case :files
                string replace -r -- '^' "$flag" (__fish_complete_path $value)
            case :directories
                string replace -r -- '^' "$flag" (__fish_complete_directories $value)
            case '*'
                echo $line
        end
    end
end
complete -c llama -f -a '(__llama_complete)'
`;

/** The script for each shell. */
export const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
