/** Where the base project keeps the head of a merge request, be it of a fork. Source: GitLab documentation, "Merge requests". */
export const mergeRequestRef = (number: number): string => `refs/merge-requests/${number}/head`
