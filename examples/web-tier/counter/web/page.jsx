import { StrictMode, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'

function Counter() {
  const [seen, setSeen] = useState(undefined)
  const [problem, setProblem] = useState(undefined)

  async function ask(method) {
    try {
      const answer = await fetch('/api/count', { method })
      if (!answer.ok) throw new Error(`The counter answers ${answer.status}.`)
      setSeen(await answer.json())
      setProblem(undefined)
    } catch (error) {
      setProblem(error.message)
    }
  }

  useEffect(() => {
    ask('GET')
  }, [])

  return (
    <main>
      <h1>{seen === undefined ? '…' : seen.count}</h1>
      <button onClick={() => ask('POST')}>Count</button>
      {seen && (
        <p>
          {seen.machine}, version {seen.version}
        </p>
      )}
      {problem && <p role="alert">{problem}</p>}
    </main>
  )
}

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <Counter />
  </StrictMode>,
)
